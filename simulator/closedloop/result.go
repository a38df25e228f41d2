package closedloop

import (
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/closedloop/isolation"
)

// Result is what the closed loop showed. All times are the application's own: what the cluster saw is multiplied by Speedup.
type Result struct {
	// Started and Elapsed say when and how long, preparation included, on the wall's clock.
	Started time.Time     `json:"started"`
	Elapsed time.Duration `json:"elapsedNanoseconds"`
	// Seed decides the requests; Speedup divides every period.
	Seed    uint64  `json:"seed"`
	Speedup float64 `json:"speedup"`
	// WarmUpMinutes come first and do not count.
	WarmUpMinutes int `json:"warmUpMinutes"`
	// Load says where the rates are from, MeanRate is their mean in requests per second.
	Load     string  `json:"load"`
	MeanRate float64 `json:"meanRate"`
	// Entry is the operation of the objective: Percentile (a share) of its requests within TargetSeconds.
	Entry         string  `json:"entry"`
	Percentile    float64 `json:"percentile"`
	TargetSeconds float64 `json:"targetSeconds"`
	// Nodes is the number in each arm, NodeCores the cores of each.
	Nodes     int     `json:"nodes"`
	NodeCores float64 `json:"nodeCores"`
	// Truth says what decides how neighbours slow each other down; Model and Fit are what ballast-scheduler knew of it.
	Truth string               `json:"truth"`
	Model string               `json:"model"`
	Fit   interference.Quality `json:"fit"`
	// Kubernetes and VPA are versions.
	Kubernetes string `json:"kubernetes"`
	VPA        string `json:"vpa"`
	// Arms are stock, then Ballast.
	Arms []Arm `json:"arms"`
	// Objective is how the LatencyObjective stood at the end, Standing how it stood over time.
	Objective v1alpha1.LatencyObjectiveStatus `json:"objective"`
	Standing  []Standing                      `json:"standing"`
}

// Arm is one side. Totals are over the minutes that count.
type Arm struct {
	Name string `json:"name"`
	// Requests of the entry came; Within is the share of those that ended which were answered in time.
	Requests uint64  `json:"requests"`
	Within   float64 `json:"within"`
	// P99 is the percentile over the hour, WorstP99 that of the worst minute, in seconds; MinutesOver counts minutes whose percentile is over
	// the target.
	P99         float64 `json:"p99Seconds"`
	WorstP99    float64 `json:"worstMinuteP99Seconds"`
	MinutesOver int     `json:"minutesOver"`
	// RequestedCores and UsedCores are means of the application's pods, BatchUsedCores of the batch pods.
	RequestedCores float64 `json:"requestedCores"`
	UsedCores      float64 `json:"usedCores"`
	BatchUsedCores float64 `json:"batchUsedCores"`
	// Resizes were done in place, Deferred had to wait for room; Evictions and Restarts (pods that went otherwise) are of the
	// application's pods. AllResizes counts the warm-up's too.
	Resizes    int `json:"resizes"`
	Deferred   int `json:"deferred"`
	Evictions  int `json:"evictions"`
	Restarts   int `json:"restarts"`
	AllResizes int `json:"allResizes"`
	// Fill is the mean share of the nodes' CPU that was requested; Full is the share of the looks, one a minute, at which it was at least
	// FullShare on every single node.
	Fill float64 `json:"fill"`
	Full float64 `json:"full"`
	// MaxLag is the most that the plant's clock was behind the wall's, Slipped what it was put back by in all, in seconds of the wall.
	MaxLag  float64 `json:"maxLagSeconds"`
	Slipped float64 `json:"slippedSeconds"`
	// Errors counts what went wrong on the nodes and was tried again, LastError is the last of it; SpansDropped are spans that could not
	// be sent.
	Errors       uint64 `json:"errors"`
	LastError    string `json:"lastError,omitempty"`
	SpansDropped uint64 `json:"spansDropped"`
	// Minutes are those of the clock, the warm-up's first.
	Minutes []Minute `json:"minutes"`
	// Sizes are the workloads, in the order of the application.
	Sizes []Size `json:"sizes"`
	// Beside says how many of the application's pods are on nodes whose batch work streams through memory, of how many.
	Beside int `json:"podsBesideStreaming"`
	Pods   int `json:"pods"`
	// Reasons are some of the scheduler's; stock gives none.
	Reasons []string `json:"reasons,omitempty"`
	// Divided is how the arm's nodes are divided at the end; none where they have no agent.
	Divided []isolation.Node `json:"divided,omitempty"`
}

// FullShare is the share of its CPU from which on a node counts as full.
const FullShare = 0.95

// Minute is a minute of the clock.
type Minute struct {
	Begin          float64 `json:"beginSeconds"`
	Requests       uint64  `json:"requests"`
	Within         float64 `json:"within"`
	P99            float64 `json:"p99Seconds"`
	RequestedCores float64 `json:"requestedCores"`
	UsedCores      float64 `json:"usedCores"`
	BatchUsedCores float64 `json:"batchUsedCores"`
	Fill           float64 `json:"fill"`
	Resizes        int     `json:"resizes"`
	Evictions      int     `json:"evictions"`
}

// Size is what one workload was given, in millicores per pod.
type Size struct {
	Service string `json:"service"`
	Pods    int    `json:"pods"`
	// Guess is what the developer requested, History what the stock recommender makes of the history alone, Mean the mean use per pod
	// that the load asks for, undisturbed.
	Guess   int64   `json:"guessMillicores"`
	History int64   `json:"historyMillicores"`
	Mean    float64 `json:"meanMillicores"`
	// Lower, Target and Upper are the VPA's recommendation at the end, Requested the mean request at the end.
	Lower     int64 `json:"lowerMillicores"`
	Target    int64 `json:"targetMillicores"`
	Upper     int64 `json:"upperMillicores"`
	Requested int64 `json:"requestedMillicores"`
	// Samples is the number of samples of usage that the recommender took after the history.
	Samples int64 `json:"samples"`
}

// Standing is how the objective stood at a time of the clock.
type Standing struct {
	Seconds float64 `json:"seconds"`
	Blind   bool    `json:"blind"`
	// Why is the reason of the condition Blind.
	Why string `json:"why,omitempty"`
	// Observed, Predicted and its interval are percentiles in seconds, 0 where there is none.
	Observed  float64 `json:"observedSeconds"`
	Predicted float64 `json:"predictedSeconds"`
	Low       float64 `json:"predictedLowSeconds"`
	High      float64 `json:"predictedHighSeconds"`
	// Deciding counts workloads whose target is the objective's.
	Deciding int `json:"deciding"`
}
