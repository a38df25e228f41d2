package nodepoints

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// Round is what a round of the recommender knows.
type Round struct {
	Now time.Time
	// Mode is that of the switch.
	Mode v1alpha1.ObjectiveMode
	// Reports are those of all objectives; Memory must still be theirs.
	Reports []objectives.Report
	// Workloads are all that may be sized, with their pods.
	Workloads []*workload.Workload
	// Pods are the names of all placed pods, by namespace.
	Pods map[string][]string
}

// Keeper keeps the set-points of nodes. Round is not safe for concurrent use.
type Keeper struct {
	client  dynamic.Interface
	events  record.EventRecorder
	metrics *Metrics
	every   time.Duration
	nodes   nodes
	// last is the node dealt with last.
	last string
	// refused is what could not be written because somebody else's table stands, by node; shadowed is what was last logged.
	refused  map[string]refusal
	shadowed map[string]string
}

// refusal is a conflict with what stands in a generation of a spec.
type refusal struct {
	generation int64
	at         time.Time
	why        string
}

const (
	// Least is the time between two writes of a node's table, a minute: sizing decides no more often.
	Least = time.Minute
	// tryAgain is after how many times Least a conflict is tried again where the spec did not change: who owns a field can change alone.
	tryAgain = 10
)

// NewKeeper returns a keeper whose Run has to be called. A node's table is written once in every at most.
func NewKeeper(client dynamic.Interface, events record.EventRecorder, m *Metrics, every time.Duration) *Keeper {
	k := &Keeper{client: client, events: events, metrics: m, every: every, refused: map[string]refusal{}, shadowed: map[string]string{}}
	k.nodes.clear()
	return k
}

// Run follows the nodes until the context ends.
func (k *Keeper) Run(ctx context.Context) { k.nodes.follows(k.client).Run(ctx) }

// Round brings the tables of the nodes up to date, until the context ends, beginning after the node dealt with last. What fails is in the
// error and, as what was not reached, is tried again in the next round.
func (k *Keeper) Round(ctx context.Context, r Round) error {
	list := k.nodes.list(k.last)
	k.forget(list)
	if r.Mode == v1alpha1.ObjectiveOff {
		k.metrics.show(nil)
		return nil
	}
	shown := claimsOf(r.Reports, true)
	k.metrics.show(shown.asked)
	if len(list) == 0 {
		return nil
	}
	p := placesOf(r.Workloads, r.Pods)
	active := claimsOf(r.Reports, false)
	var errs error
	for i, n := range list {
		if ctx.Err() != nil {
			return errors.Join(errs, fmt.Errorf("the set-points of %d of %d nodes are not looked at: %w", len(list)-i, len(list), ctx.Err()))
		}
		k.last = n.name
		if n = k.nodes.now(n.name); n == nil {
			continue
		}
		k.show(ctx, n, p, shown, active, r.Mode)
		if r.Mode != v1alpha1.ObjectiveActive {
			continue
		}
		if err := k.bring(ctx, n, p, active, r.Now); err != nil {
			k.metrics.writes.WithLabelValues(failed).Inc()
			errs = errors.Join(errs, err)
		}
	}
	return errs
}

// forget drops what is remembered of nodes that are gone or opted out: clusters that grow and shrink give each new one another name.
func (k *Keeper) forget(but []*optedIn) {
	present := make(map[string]bool, len(but))
	for _, n := range but {
		present[n.name] = true
	}
	maps.DeleteFunc(k.refused, func(name string, _ refusal) bool { return !present[name] })
	maps.DeleteFunc(k.shadowed, func(name, _ string) bool { return !present[name] })
}

// show logs what objectives in shadow would write, where that changes.
func (k *Keeper) show(ctx context.Context, n *optedIn, p places, shown, active claims, mode v1alpha1.ObjectiveMode) {
	stands := n.control.SetPoints
	if mode == v1alpha1.ObjectiveActive {
		stands = next(stands, n.name, p, active)
	}
	would := next(n.control.SetPoints, n.name, p, shown)
	changed, gone := changes(stands, would)
	text := ""
	if len(changed)+len(gone) > 0 {
		text = describe(would, changed, gone, p, shown)
	}
	if text != k.shadowed[n.name] && text != "" {
		klog.FromContext(ctx).Info("In shadow: would write set-points of a node", "node", n.name, "what", text)
	}
	k.shadowed[n.name] = text
}

// describe says in sentences what changes in a table.
func describe(table []v1alpha1.SetPoint, changed, gone []slot, p places, c claims) string {
	byKey := map[string]bool{}
	var list []string
	for _, s := range changed {
		if key := p.owner[s]; !byKey[key] {
			byKey[key] = true
			list = append(list, c.asked[key].why)
		}
	}
	slices.Sort(list)
	for _, s := range slices.SortedFunc(slices.Values(gone), func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.pod, b.pod))
	}) {
		list = append(list, fmt.Sprintf("%s/%s: none any more", s.namespace, s.pod))
	}
	return fmt.Sprintf("%d set-points; %s", len(table), strings.Join(list, "; "))
}

// event tells it about a node's object.
func (k *Keeper) event(n *optedIn, kind, reason, message string) {
	k.events.Event(&v1.ObjectReference{
		APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "NodeIsolation", Name: n.name, UID: n.uid,
	}, kind, reason, cut(message))
}

// cut keeps a message within what an event takes.
func cut(message string) string {
	const most = 1024
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most-3], "") + "..."
}
