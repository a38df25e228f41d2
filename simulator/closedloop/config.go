package closedloop

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/simulator/demo"
	"github.com/ballast-k8s/ballast/simulator/hotel"
)

// Config says how the closed loop is run.
type Config struct {
	// Scheduler and Recommender are the paths of ballast-scheduler and ballast-recommender.
	Scheduler, Recommender string
	// Speedup is the number of plant seconds in a second of the wall, in [1, MaxSpeedup].
	Speedup float64
	// Load is what comes in.
	Load Load
	// Seed decides the requests and the measurements that ballast-scheduler's model is fitted to.
	Seed uint64
	// Progress, if set, is told of every step; total 0 means that its length is not known.
	Progress func(step string, done, total int)
}

// MaxSpeedup is the greatest speedup: ballast-recommender's round of a minute takes a second then, its least.
const MaxSpeedup = 60

// WarmUpMinutes are plant minutes at the beginning that do not count, in either arm: VPA resizes half the pods of a workload at a
// time, and a law of latency needs some windows.
const WarmUpMinutes = 5

const (
	minuteSeconds = 60
	hourMinutes   = 60
	// spanRate is the share of requests that are traced: about 380 a minute at hotel.MeanRate.
	spanRate = 0.02
	// container is the name of every pod's container, batchContainer that of batch pods'.
	container, batchContainer = "server", "batch"
)

// validate reports the first field that is out of range.
func (cfg *Config) validate() error {
	if !(cfg.Speedup >= 1 && cfg.Speedup <= MaxSpeedup) { // NaN too
		return fmt.Errorf("speedup is %v, expected a number in [1, %d]", cfg.Speedup, MaxSpeedup)
	}
	return cfg.Load.validate()
}

// Load is the rate of requests of the whole application.
type Load struct {
	// Source says in a few words where it comes from.
	Source string
	// PerSecond are requests per second for each second of an hour, before they are multiplied by hotel.RateMultiplier.
	PerSecond []float64
}

func (l Load) validate() error {
	if len(l.PerSecond) != hourMinutes*minuteSeconds {
		return fmt.Errorf("trace %q has %d rates, expected one for each of the %d seconds of an hour",
			l.Source, len(l.PerSecond), hourMinutes*minuteSeconds)
	}
	for i, r := range l.PerSecond {
		if !(r >= 0) || math.IsInf(r, 1) {
			return fmt.Errorf("trace %q, rate %d is %v, expected a finite number of at least 0", l.Source, i+1, r)
		}
	}
	return nil
}

// arm is one of the two sides.
type arm struct {
	name      string
	scheduler demo.Scheduler
	// recommender is the one that VPA objects name; empty = VPA's own.
	recommender string
	namespace   string
}

// arms are both, in the order in which they are shown.
func arms() []arm {
	return []arm{
		{name: "stock", scheduler: demo.Stock(), namespace: "hotel-stock"},
		{name: "Ballast", scheduler: demo.Ballast(), recommender: "ballast", namespace: "hotel-ballast"},
	}
}

// nodePrefix begins the names of the arm's nodes and is their label's value.
func (a arm) nodePrefix() string { return a.namespace }

// nodeNames are the names of the arm's nodes, as localcluster gives them.
func (a arm) nodeNames() []string {
	names := make([]string, len(hotel.Machines()))
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", a.nodePrefix(), i)
	}
	return names
}
