// Package figures keeps, by minutes of the plant, what a report on an application needs: requests and their latency, CPU requested and
// used, and what happened to its pods. All figures are the plant's own: seconds and rates are not scaled.
package figures

import "github.com/ballast-k8s/ballast/simulator/plant/histogram"

// Series is what happened, by minutes of the plant from Start on. All figures are the plant's own: seconds and rates are not scaled.
type Series struct {
	// Minutes are complete minutes, oldest first.
	Minutes []Minute
	// Total is the time since Start, the present minute included.
	Total Minute
}

// Minute is a span of plant time.
type Minute struct {
	// Begin and End are plant times in seconds; End is exclusive.
	Begin, End float64
	// Operations are in the order of the application.
	Operations []Operation
	// RequestedCores is the mean over the time of the CPU requests allocated to the application's pods, UsedCores of the CPU they
	// used; BatchRequestedCores and BatchUsedCores are the same for batch pods.
	RequestedCores, UsedCores           float64
	BatchRequestedCores, BatchUsedCores float64
	// Starts are pods of the application that came, Evictions those that went through the eviction API, Removals all that went,
	// evictions included. Resizes were applied to pods of the application; Deferred are those that had to wait first.
	Starts, Evictions, Removals, Resizes, Deferred int
	// Pods are those of the application that are there at the end, by name.
	Pods []Pod
}

// Operation is what became of the requests of an operation in some time.
type Operation struct {
	Name string
	// Requests came. Of those that ended, Succeeded got an answer, Within of them in time, and Failed did not (dropped ones included).
	Requests, Succeeded, Within, Failed uint64
	// Median and P99 are of the latency of those that succeeded, in seconds, within 1 %; 0 without any.
	Median, P99 float64
	// Latency is that latency; it can be merged over minutes for any other percentile.
	Latency histogram.Histogram `json:"-"`
}

// Attainment is the share, in [0, 1], of the requests that ended which were answered in time; 1 without any.
func (o Operation) Attainment() float64 {
	if ended := o.Succeeded + o.Failed; ended > 0 {
		return float64(o.Within) / float64(ended)
	}
	return 1
}

// Pod is a pod of the application at a time, with its use since the minute began.
type Pod struct {
	Namespace, Name, Service, Node string
	// RequestedCores is allocated at the end, UsedCores the mean over the minute. Speed is the plant's at the end: 1 = alone and undisturbed.
	RequestedCores, UsedCores, Speed float64
	Ready                            bool
}
