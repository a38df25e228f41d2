package nodepoints

import (
	"fmt"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/nodepoints/delay"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// asked is what an objective asks of the nodes of its services.
type asked struct {
	milli int32
	why   string
}

// claims are what the objectives say of the workloads, by workload.Key.
type claims struct {
	asked map[string]asked
	// silent are the workloads of an objective that says nothing now, quiet the namespaces of such objectives.
	silent, quiet map[string]bool
}

// claimsOf reads the reports of a round; inShadow says whether to listen to objectives in shadow, too.
func claimsOf(reports []objectives.Report, inShadow bool) claims {
	c := claims{asked: map[string]asked{}, silent: map[string]bool{}, quiet: map[string]bool{}}
	for i := range reports {
		r := &reports[i]
		a, ok := ask(r)
		ok = ok && (r.Mode == v1alpha1.ObjectiveActive || inShadow && r.Mode == v1alpha1.ObjectiveShadow)
		namespace := r.Objective.Namespace
		if !ok {
			c.quiet[namespace] = true
		}
		for j := range r.Workloads {
			w := &r.Workloads[j]
			key := workload.Key(namespace, w.Name)
			if !ok || w.Allocation == nil {
				c.silent[key] = true
				continue
			}
			if before, known := c.asked[key]; !known || a.milli < before.milli {
				c.asked[key] = asked{a.milli, fmt.Sprintf("%s/%s: %s", namespace, w.Reference.Name, a.why)}
			}
		}
	}
	return c
}

// ask is what an objective asks for, the same of all its services; false while it is blind or off, and where the target is missed without any
// delay: then the time is lost elsewhere, such as in a database that is no service of ours, and no batch work that is held down or evicted
// brings it back.
func ask(r *objectives.Report) (asked, bool) {
	if r.Decision.Blind || r.Memory == nil {
		return asked{}, false
	}
	memory := r.Memory()
	factors := hindsight.Calibrate(memory.Sizing.Ratios)
	chain := delay.Chain{
		Stages: stages(r, memory.Sizing.Workloads), Percentile: memory.Percentile, Target: memory.Target,
		Outside: hindsight.Outside(memory.Sizing.Outside), Tail: factors.Safe,
	}
	longest := chain.Most()
	milli, ok := delay.Milli(longest)
	if !ok || longest < 0 || len(chain.Stages) == 0 {
		return asked{}, false
	}
	most := float64(milli) / 1000
	at := factors.Around(chain.Predict(most)).After(chain.Outside)
	return asked{milli, fmt.Sprintf("run-queue delay at most %.2g s per s: with it p%.4g of %s is predicted %s [%s, %s] ms of %s ms",
		most, 100*chain.Percentile, memory.Entry.Operation, milliseconds(at.Value), milliseconds(at.Low), milliseconds(at.High),
		milliseconds(chain.Target))}, true
}

// milliseconds prints a time of seconds with three digits, or to the millisecond.
func milliseconds(seconds float64) string {
	if seconds < 0.1 {
		return fmt.Sprintf("%.3g", 1000*seconds)
	}
	return fmt.Sprintf("%.0f", 1000*seconds)
}

// stages are the services that were sized in the round.
func stages(r *objectives.Report, known []sizing.WorkloadState) []latency.Stage {
	law := make(map[string]*sizing.WorkloadState, len(known))
	for i := range known {
		law[known[i].Workload] = &known[i]
	}
	var list []latency.Stage
	for i := range r.Workloads {
		w := law[workload.Key(r.Objective.Namespace, r.Workloads[i].Name)]
		if r.Workloads[i].Allocation != nil && w != nil {
			list = append(list, delay.Stage(w.Law, w.Critical))
		}
	}
	return list
}
