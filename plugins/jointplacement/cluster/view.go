package cluster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/plan"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// View reads nodes and what counts on them.
type View struct {
	Nodes  corelisters.NodeLister
	Ledger *Ledger
	// Reports are on how nodes are divided; nil divides none.
	Reports *nodesetting.Reports
	// Wishes are the soft constraints.
	Wishes *Wishes
}

// Picture is the cluster as a plan sees it.
type Picture struct {
	plan.Input
	// KindOf names the kind of each pod, which is the same in every picture.
	KindOf map[types.UID]string
	// Dropped is how many constraints are left out because there are too many.
	Dropped int
}

// Measured returns the class of a pod and whether the model measured it: only such pods are planned for.
func Measured(m *interference.Model, pod *v1.Pod) (class int, ok bool) {
	class, ok = m.ClassIndex(podclass.Name(pod))
	return class, ok && m.Measured(class)
}

// Input is the cluster as it is with pods of measured classes to plan for; their own claims do not count. refused tells of nodes that do
// not take pods of a kind for reasons that are not seen here; it may be nil. Pods are named <namespace>/<name>.
func (v View) Input(models *nodesetting.Models, pods []*v1.Pod, refused func(kind, node string) bool) (Picture, error) {
	m := models.Own().Model
	nodes, err := v.Nodes.List(labels.Everything())
	if err != nil {
		return Picture{}, fmt.Errorf("listing nodes: %w", err)
	}
	own := sets.New[types.UID]()
	for _, pod := range pods {
		own.Insert(pod.UID)
	}
	residents := v.Ledger.all(own)
	force := v.inForce(pods, residents)
	in := Picture{Input: plan.Input{Model: m}}
	if in.Constraints, err = force.compile(); err != nil {
		return Picture{}, err
	}
	if force != nil {
		in.Dropped = force.dropped
	}
	alike, kindOf := kindsOf(m, force, pods)
	in.KindOf = kindOf
	resources := resourcesOf(alike)
	for _, k := range alike {
		size := make([]int64, len(resources))
		for r, name := range resources {
			size[r] = k.requests.of(name)
		}
		size[0] = 1
		in.Kinds = append(in.Kinds, plan.Kind{Class: k.class, Profile: k.profile, Size: size, Pods: k.names})
	}
	loads := loadsOf(m, resources, residents)
	if force != nil {
		force.count(loads, residents, len(pods))
	}
	for _, n := range nodes {
		allowed := make([]bool, len(alike))
		for i, k := range alike {
			allowed[i] = (refused == nil || !refused(k.key, n.Name)) && k.requirements.feasible(n)
		}
		if slices.Contains(allowed, true) {
			node := loads[n.Name].node(n, resources, allowed)
			node.Setting, node.Models = v.setting(models, n)
			in.Nodes = append(in.Nodes, node)
		}
	}
	return in, nil
}

// inForce are the soft constraints that hold for pods beside residents. The profiles of the pods come first, then those of the residents;
// pods of the background have none that counts.
func (v View) inForce(pods []*v1.Pod, residents []*resident) *inForce {
	if v.Wishes == nil {
		return nil
	}
	all := make([]tagged, 0, len(pods)+len(residents))
	for _, pod := range pods {
		all = append(all, taggedOf(pod))
	}
	for _, r := range residents {
		if r.background {
			all = append(all, tagged{})
		} else {
			all = append(all, r.tagged)
		}
	}
	return v.Wishes.inForce(all)
}

// setting names the setting of a node, with what is doubted of it, and returns the models of those that it may be in; none where the model
// knows no settings.
func (v View) setting(models *nodesetting.Models, n *v1.Node) (string, []*interference.Model) {
	if !models.Named() {
		return "", nil
	}
	report := v.Reports.Of(n.Name)
	s := models.Setting(n, report)
	possible := make([]*interference.Model, 0, len(s.Possible))
	for _, in := range s.Possible {
		possible = append(possible, in.Model)
	}
	return fmt.Sprintf("%q %q %q", s.Name, s.Doubt, report.Wanted), possible
}

// kind is pods that a plan cannot tell apart.
type kind struct {
	key          string
	class        int
	profile      int
	requests     requests
	requirements requirements
	names        []string
}

// kindsOf puts pods that cannot be told apart together, in an order that does not depend on theirs.
func kindsOf(m *interference.Model, force *inForce, pods []*v1.Pod) (kinds []*kind, of map[types.UID]string) {
	type identity struct {
		key     string
		profile int
	}
	byKey := map[identity]*kind{}
	of = make(map[types.UID]string, len(pods))
	for i, pod := range pods {
		class, _ := Measured(m, pod)
		requests := requestsOf(pod)
		key := keyOf(pod, class, requests)
		id := identity{key, force.profileOf(i)}
		k := byKey[id]
		if k == nil {
			k = &kind{key: key, class: class, profile: id.profile, requests: requests, requirements: requirementsOf(pod)}
			byKey[id] = k
			kinds = append(kinds, k)
		}
		k.names = append(k.names, cache.MetaObjectToName(pod).String())
		of[pod.UID] = key
	}
	for _, k := range kinds {
		slices.Sort(k.names)
	}
	slices.SortFunc(kinds, func(a, b *kind) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.profile, b.profile)) })
	return kinds, of
}

// keyOf is equal for pods that may go to the same nodes and are worth the same there.
func keyOf(pod *v1.Pod, class int, r requests) string {
	var affinity *v1.NodeSelector
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil {
		affinity = a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	text, err := json.Marshal([]any{class, r.cpu, r.memory, r.storage, r.others, pod.Spec.NodeSelector, affinity, pod.Spec.Tolerations})
	if err != nil { // none of these types fails; a kind of its own is right in any case
		return string(pod.UID)
	}
	return string(text)
}

// resourcesOf lists what at least one of the kinds requests, the number of pods first.
func resourcesOf(kinds []*kind) []v1.ResourceName {
	names := sets.New[v1.ResourceName]()
	for _, k := range kinds {
		for _, name := range []v1.ResourceName{v1.ResourceCPU, v1.ResourceMemory, v1.ResourceEphemeralStorage} {
			if k.requests.of(name) > 0 {
				names.Insert(name)
			}
		}
		for name, amount := range k.requests.others {
			if amount > 0 {
				names.Insert(name)
			}
		}
	}
	return append([]v1.ResourceName{v1.ResourcePods}, sets.List(names)...)
}

// load is what counts on one node.
type load struct {
	used []int64
	mix  interference.Mix
	// profiles counts the pods that soft constraints see; nil without.
	profiles []int
}

// all lists what counts, by pod. Residents are immutable, so that summing them up, which takes a while in a large cluster, holds up neither
// the scheduler's cycles nor its informers.
func (l *Ledger) all(except sets.Set[types.UID]) []*resident {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*resident, 0, len(l.pods))
	for uid, r := range l.pods {
		if !except.Has(uid) {
			out = append(out, r)
		}
	}
	return out
}

// loadsOf sums up by node what its pods request of the resources, and their mix. Load that the model has no class for is of class
// interference.Unknown.
func loadsOf(m *interference.Model, resources []v1.ResourceName, residents []*resident) map[string]*load {
	loads := map[string]*load{}
	var spare interference.Mix
	for _, r := range residents {
		on := loads[r.node]
		if on == nil {
			on = &load{used: make([]int64, len(resources))}
			loads[r.node] = on
		}
		on.used[0]++
		for i, name := range resources[1:] {
			on.used[i+1] += r.requests.of(name)
		}
		if r.background {
			continue
		}
		class, ok := m.ClassIndex(r.tagged.class)
		if !ok {
			class = interference.Unknown
		}
		spare = on.mix.Add(spare, class, 1)
		on.mix = append(on.mix[:0], spare...)
	}
	return loads
}

// count adds up by node the profiles of residents, of which the first is pod number from.
func (f *inForce) count(loads map[string]*load, residents []*resident, from int) {
	for i, r := range residents {
		on := loads[r.node]
		if on.profiles == nil {
			on.profiles = make([]int, len(f.profiles))
		}
		if !r.background {
			on.profiles[f.profileOf(from+i)]++
		}
	}
}

// node is a node with what it has left.
func (l *load) node(n *v1.Node, resources []v1.ResourceName, allowed []bool) plan.Node {
	has := amounts(n.Status.Allocatable)
	out := plan.Node{Name: n.Name, Allowed: allowed, Free: make([]int64, len(resources))}
	for r, name := range resources {
		out.Free[r] = has.of(name)
		if l != nil {
			out.Free[r] -= l.used[r]
		}
	}
	if l != nil {
		out.Present, out.Profiles = l.mix, l.profiles
	}
	return out
}
