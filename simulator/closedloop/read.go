package closedloop

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/hotel"
)

// vpaResource is a resource of VPA's. Its packages are not for the simulator.
func vpaResource(name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "autoscaling.k8s.io", Version: "v1", Resource: name}
}

// bounds are a recommendation in millicores.
type bounds struct{ lower, target, upper int64 }

// recommendations reads the arm's recommendations by VPA object; those without one are left out.
func (l *Loop) recommendations(ctx context.Context, a arm) (map[string]bounds, error) {
	list, err := l.dynamic.Resource(vpaResource("verticalpodautoscalers")).Namespace(a.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing VPA objects: %w", err)
	}
	out := map[string]bounds{}
	for i := range list.Items {
		containers, _, err := unstructured.NestedSlice(list.Items[i].Object, "status", "recommendation", "containerRecommendations")
		if err != nil {
			return nil, fmt.Errorf("reading VPA %s/%s: %w", a.namespace, list.Items[i].GetName(), err)
		}
		if len(containers) == 0 {
			continue
		}
		c, _ := containers[0].(map[string]any)
		out[list.Items[i].GetName()] = bounds{cpu(c, "lowerBound"), cpu(c, "target"), cpu(c, "upperBound")}
	}
	return out, nil
}

// cpu is an amount of CPU in a recommendation, in millicores; 0 if there is none.
func cpu(c map[string]any, field string) int64 {
	text, _, err := unstructured.NestedString(c, field, "cpu")
	if err != nil || text == "" {
		return 0
	}
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return 0
	}
	return q.MilliValue()
}

// samples reads how many samples of usage the arm's checkpoints rest on, by VPA object.
func (l *Loop) samples(ctx context.Context, a arm) (map[string]int64, error) {
	list, err := l.dynamic.Resource(vpaResource("verticalpodautoscalercheckpoints")).Namespace(a.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing checkpoints: %w", err)
	}
	out := map[string]int64{}
	for i := range list.Items {
		name, _, err := unstructured.NestedString(list.Items[i].Object, "spec", "vpaObjectName")
		if err != nil {
			return nil, fmt.Errorf("reading a checkpoint: %w", err)
		}
		n, _, err := unstructured.NestedInt64(list.Items[i].Object, "status", "totalSamplesCount")
		if err != nil {
			return nil, fmt.Errorf("reading a checkpoint: %w", err)
		}
		out[name] += n
	}
	return out, nil
}

// awaitHistories waits until both recommenders have made of the histories what is to be made of them: before the clock starts there is
// nothing else that they could know.
func (r *run) awaitHistories(ctx context.Context) error {
	for _, s := range r.sides {
		if err := await(ctx, "the recommendations of arm "+s.name, func() (bool, error) {
			have, err := r.recommendations(ctx, s.arm)
			if err != nil {
				return false, err
			}
			for name, h := range r.histories {
				if got := have[name].target; !h.explains(got) {
					return false, fmt.Errorf("VPA %s/%s has target %d m, its history gives %d m", s.namespace, name, got, h.Target())
				}
			}
			return true, nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// latencyObjective reads the arm's objective.
func (l *Loop) latencyObjective(ctx context.Context, a arm) (*v1alpha1.LatencyObjective, error) {
	u, err := l.dynamic.Resource(v1alpha1.LatencyObjectives).Namespace(a.namespace).Get(ctx, objective, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the LatencyObjective: %w", err)
	}
	o := &v1alpha1.LatencyObjective{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o); err != nil {
		return nil, fmt.Errorf("reading the LatencyObjective: %w", err)
	}
	return o, nil
}

// standing is what a status says, in the application's time.
func standing(s *v1alpha1.LatencyObjectiveStatus, at, speedup float64) Standing {
	out := Standing{Seconds: at, Blind: true, Why: "no status yet"}
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionBlind); c != nil {
		out.Blind, out.Why = c.Status != metav1.ConditionFalse, c.Reason
	}
	if s.Observed != nil {
		out.Observed = s.Observed.Value.Seconds() * speedup
	}
	if p := s.Predicted; p != nil {
		out.Predicted, out.Low, out.High = p.Value.Seconds()*speedup, p.Low.Seconds()*speedup, p.High.Seconds()*speedup
	}
	for _, b := range s.Budgets {
		if b.Phase == "Objective" {
			out.Deciding++
		}
	}
	return out
}

// multiplied is a status in the application's time.
func multiplied(s v1alpha1.LatencyObjectiveStatus, speedup float64) v1alpha1.LatencyObjectiveStatus {
	out := *s.DeepCopy()
	for _, i := range []*v1alpha1.LatencyInterval{out.Observed, out.Predicted} {
		if i != nil {
			i.Value, i.Low, i.High = times(i.Value, speedup), times(i.Low, speedup), times(i.High, speedup)
		}
	}
	for i := range out.Budgets {
		out.Budgets[i].Latency = times(out.Budgets[i].Latency, speedup)
	}
	return out
}

func times(d metav1.Duration, by float64) metav1.Duration {
	return metav1.Duration{Duration: time.Duration(float64(d.Duration) * by).Round(time.Microsecond)}
}

// result reads what there is to read at the end.
func (r *run) result(ctx context.Context) (*Result, error) {
	version, err := r.client.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("asking the API server's version: %w", err)
	}
	vpa, err := vpaVersion(r.cluster.ToolDir())
	if err != nil {
		return nil, err
	}
	result := &Result{
		Started: r.started, Seed: r.cfg.Seed, Speedup: r.cfg.Speedup, WarmUpMinutes: WarmUpMinutes,
		Load: r.cfg.Load.Source, MeanRate: r.cfg.Load.mean() * hotel.RateMultiplier,
		Entry: hotel.Entry, Percentile: hotel.Percentile, TargetSeconds: hotel.TargetSeconds,
		Nodes: len(hotel.Machines()), NodeCores: hotel.Machines()[0].Cores,
		Truth: truth, Model: r.model.Version(), Fit: r.model.Document().Fit,
		Kubernetes: version.GitVersion, VPA: vpa, Standing: r.standing,
	}
	for _, s := range r.sides {
		a, err := r.armResult(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("arm %s: %w", s.name, err)
		}
		result.Arms = append(result.Arms, *a)
		if s.recommender == "" {
			continue
		}
		o, err := r.latencyObjective(ctx, s.arm)
		if err != nil {
			return nil, err
		}
		result.Objective = multiplied(o.Status, r.cfg.Speedup)
	}
	result.Elapsed = time.Since(r.started)
	return result, nil
}

// truth says what decides how pods slow each other down.
const truth = "an analytic model of last-level cache and memory bandwidth (simulator/hotel), the same in both arms;\n" +
	"ballast-scheduler only has a model of another form, fitted to mixes measured on it with 3 % noise"

// armResult is an arm's part.
func (r *run) armResult(ctx context.Context, s *side) (*Arm, error) {
	status := s.nodes.Status()
	a := &Arm{
		Name: s.name, Reasons: s.reasons, MaxLag: s.maxLag.Seconds(), Slipped: status.Slipped.Seconds(),
		Errors: status.Errors, LastError: status.LastError, SpansDropped: status.SpansDropped,
		Full: float64(s.full) / float64(max(1, s.looks)),
	}
	series := s.nodes.Series()
	a.summarise(series)
	have, err := r.recommendations(ctx, s.arm)
	if err != nil {
		return nil, err
	}
	samples, err := r.samples(ctx, s.arm)
	if err != nil {
		return nil, err
	}
	for _, service := range hotel.Services() {
		h, b := r.histories[service.Name], have[service.Name]
		a.Sizes = append(a.Sizes, Size{
			Service: service.Name, Guess: int64(service.RequestCores*milliPerCore + 0.5), History: h.Target(), Mean: service.MeanCores * milliPerCore,
			Lower: b.lower, Target: b.target, Upper: b.upper, Samples: samples[service.Name] - int64(h.samples),
		})
	}
	a.locate(series.Total.Pods, s.streaming())
	a.Divided, err = r.divisions(ctx, s)
	return a, err
}
