package objectives

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives/evidence"
	"github.com/ballast-k8s/ballast/recommender/objectives/links"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/telemetry"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// Telemetry is where windows come from.
type Telemetry interface {
	Window(e telemetry.Entry, percentile, target float64, from, to time.Time) telemetry.Window
}

// Input is what a round goes on.
type Input struct {
	Now time.Time
	// Mode is that of the switch. Of it and an objective's mode the more cautious counts.
	Mode v1alpha1.ObjectiveMode
	// Objectives are all there are, in a fixed order.
	Objectives []*v1alpha1.LatencyObjective
	// Workloads are all that may be sized, in a fixed order.
	Workloads []*workload.Workload
	// Nodes are what the nodes' pods hold and use.
	Nodes workload.Nodes
	// Slowdowns are those of containers that neighbours make slow, as sizing.Service means it, each above 1, by the node that says so.
	Slowdowns map[string]map[v1alpha1.ContainerName]float64
	// Zones are those of the nodes (topology.kubernetes.io/zone); nodes without one are in the zone "".
	Zones map[string]string
}

// Sizer keeps a controller for each objective. It is not safe for concurrent use; the Round it returns is.
type Sizer struct {
	telemetry Telemetry
	periods   sizing.Periods
	recall    Recall
	subjects  map[types.UID]*subject
	// away says that a recall failed in this round.
	away bool
}

// NewSizer returns a sizer that knows no objective but by recall, which may be nil. Without telemetry (nil) every objective is blind.
func NewSizer(t Telemetry, p sizing.Periods, recall Recall) *Sizer {
	return &Sizer{telemetry: t, periods: p, recall: recall, subjects: map[types.UID]*subject{}}
}

// lagShare is the part of a round by which a window ends before now, so that what arrives late still counts: at rounds of a minute 15 s,
// which is how often collectors send.
const lagShare = 4

// LeastRounds is the number of rounds that an attainment is counted over at least: in less there may be no window of telemetry at all.
const LeastRounds = 4

// Begin reads the windows and decides. The result answers until the next round.
func (s *Sizer) Begin(ctx context.Context, in Input) *Round {
	r := &Round{now: in.Now, periods: s.periods, claims: map[string][]*claim{}}
	known := make(map[types.UID]*subject, len(in.Objectives))
	s.away = false
	for _, o := range in.Objectives {
		subject := s.subject(ctx, o, in.Now)
		s.remember(ctx, subject, in.Now)
		known[o.UID] = subject
		before := subject.left
		if err := subject.decide(in, s.telemetry, s.periods); err != nil {
			klog.FromContext(ctx).Error(err, "Left out a window of telemetry", "objective", klog.KObj(o))
		}
		for _, name := range slices.Sorted(maps.Keys(subject.left)) {
			if why := subject.left[name]; why != before[name] {
				klog.FromContext(ctx).Info("Left out a workload", "objective", klog.KObj(o), "verticalPodAutoscaler", name, "why", why)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(subject.tracks)) {
			key := workload.Key(o.Namespace, name)
			r.claims[key] = append(r.claims[key], subject.claim(subject.tracks[name]))
		}
		r.subjects = append(r.subjects, subject)
	}
	s.subjects = known // an objective that is gone has no say
	return r
}

// subject is what is known of one objective.
type subject struct {
	objective  *v1alpha1.LatencyObjective
	asked      asked
	controller *sizing.Controller
	// tracks are the workloads behind it, by name of their VPA.
	tracks map[string]*track
	// left are the workloads that are left out of the last window that was read, by name of their VPA, and why.
	left map[string]string
	// newest is the time of its newest telemetry and read the end of the window read last; zero: never.
	newest, read time.Time
	// counted is since when the attainment is counted; zero: not yet.
	counted time.Time
	// fromSpans says that no histogram counted the requests of the last window that was of use.
	fromSpans bool
	// recalling is the memory of the last leader that is still to be asked for; nil: it has been, or there is none to ask.
	recalling *recalling
	// seen is what the windows of this process had.
	seen evidence.Windows
	// links are the calls between its workloads.
	links links.Record
	// of this round:
	mode     v1alpha1.ObjectiveMode
	decision sizing.Decision
}

// asked is what a controller is made for.
type asked struct {
	entry              v1alpha1.EntryOperation
	percentile, target float64
	window             time.Duration
}

// track is one workload's way.
type track struct {
	workload  *workload.Workload
	container string
	fallback  sizing.Fallback
	// allocation is what the controller asks for, in shadow too; nil while it asks for nothing.
	allocation *sizing.Allocation
	// advice is what stands in the way of the allocation, by reason.
	advice map[string]string
	result
}

// subject returns what is known of an objective. One that is new here goes on from its status, and is to remember what the last leader knew.
// One that asks for something else gets another controller, which keeps what is known of the workloads if the requests are the same; the
// workloads go on from where they are.
func (s *Sizer) subject(ctx context.Context, o *v1alpha1.LatencyObjective, now time.Time) *subject {
	ask := asked{
		entry: o.Spec.Entry, percentile: o.Spec.Percentile / 100, target: o.Spec.Target.Seconds(),
		window: max(cmp.Or(o.Spec.Window.Duration, time.Hour), LeastRounds*s.periods.Round),
	}
	known := s.subjects[o.UID]
	if known != nil && known.asked == ask {
		known.objective = o
		return known
	}
	name := o.Namespace + "/" + o.Name
	fresh := &subject{
		objective: o, asked: ask,
		controller: sizing.New(sizing.Objective{Name: name, Percentile: ask.percentile, Target: ask.target}, s.periods, ask.window),
	}
	if known == nil {
		fresh.tracks = restore(o)
		if s.recall != nil {
			fresh.recalling = &recalling{since: now}
		}
		return fresh
	}
	fresh.tracks, fresh.recalling = known.tracks, known.recalling
	if known.asked.entry == ask.entry {
		fresh.seen, fresh.links = known.seen, known.links
		if err := fresh.goOn(known.memory()); err != nil {
			klog.FromContext(ctx).Error(err, "Learning anew; what was decided is held meanwhile", "objective", klog.KObj(o))
		}
	}
	return fresh
}

// restore reads where the workloads are from an objective's status.
func restore(o *v1alpha1.LatencyObjective) map[string]*track {
	tracks := make(map[string]*track, len(o.Status.Budgets))
	for _, b := range o.Status.Budgets {
		t := &track{container: b.Container, result: result{phase: sizing.PhaseStock}}
		if phase := sizing.Phase(b.Phase); phase != "" && phase != sizing.PhaseStock && b.TargetMillicores > 0 {
			t.phase = phase
			t.fallback.Target = float64(b.TargetMillicores) / 1000
			if b.SteppedAt != nil {
				t.fallback.Stepped = b.SteppedAt.Time
			}
			if b.DecidedAt != nil {
				t.at = b.DecidedAt.Time
				if phase != sizing.PhaseObjective {
					t.fallback.Since = t.at
				}
			}
		}
		tracks[b.Workload] = t
	}
	return tracks
}

// decide reads the objective's window and asks its controller. An error is about the window alone: there is a decision all the same.
func (s *subject) decide(in Input, t Telemetry, p sizing.Periods) error {
	s.mode = moreCautious(in.Mode, s.objective.Spec.Mode)
	candidates := s.candidates(in.Workloads)
	for _, track := range s.tracks {
		track.allocation, track.advice = nil, nil
	}
	if s.mode == v1alpha1.ObjectiveOff {
		s.decision = sizing.Decision{Time: in.Now, Blind: true, BlindReason: "Off", BlindMessage: "mode off: nothing is computed"}
		return nil
	}
	var err error
	if t != nil {
		err = s.observe(in, t, candidates, p)
	}
	s.decision = s.controller.Decide(in.Now)
	switch {
	case !s.decision.Blind:
	case s.newest.IsZero():
		s.decision.BlindReason, s.decision.BlindMessage = "NoTelemetry", s.missing(t != nil)
	case s.decision.BlindReason == "NoRequests", s.decision.BlindReason == "NotEnoughData":
		if missing := s.seen.Missing(in.Now); missing != "" {
			s.decision.BlindMessage += "; " + missing
		}
	}
	for i := range s.decision.Allocations {
		a := &s.decision.Allocations[i]
		if track := s.tracks[strings.TrimPrefix(a.Workload, s.objective.Namespace+"/")]; track != nil {
			track.allocation, track.advice = a, advise(track, a.Target, in.Nodes)
		}
	}
	return err
}

// missing says what was never received.
func (s *subject) missing(receiver bool) string {
	if !receiver {
		return "there is no receiver of telemetry: telemetry.port is 0"
	}
	return fmt.Sprintf("no span or histogram of service %q, operation %q, in namespace %q or of none, has been received",
		s.asked.entry.Service, s.asked.entry.Operation, s.objective.Namespace)
}

// candidates returns the workloads that the objective may size. Those that it no longer may are forgotten.
func (s *subject) candidates(all []*workload.Workload) []*workload.Workload {
	var listed []workload.Reference
	for _, w := range s.objective.Spec.Workloads {
		listed = append(listed, workload.Reference{Kind: w.Kind, Name: w.Name})
	}
	candidates := workload.Select(all, s.objective.Namespace, listed)
	byName := make(map[string]*workload.Workload, len(candidates))
	for _, w := range candidates {
		byName[w.Name] = w
	}
	for name, track := range s.tracks {
		if track.workload = byName[name]; track.workload == nil {
			delete(s.tracks, name)
		}
	}
	return candidates
}

// moreCautious returns the one that does less. An objective without a mode is active.
func moreCautious(a, b v1alpha1.ObjectiveMode) v1alpha1.ObjectiveMode {
	for _, mode := range []v1alpha1.ObjectiveMode{v1alpha1.ObjectiveOff, v1alpha1.ObjectiveShadow} {
		if a == mode || b == mode {
			return mode
		}
	}
	return v1alpha1.ObjectiveActive
}
