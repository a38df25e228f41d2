package nodepoints

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// mostPoints is what the type takes.
const mostPoints = 256

// slot is a member of tables: pods of one workload.
type slot struct{ namespace, pod string }

// places are where the workloads' pods are.
type places struct {
	// on are the slots of each node, with the key of the workload.
	on map[string]map[slot]string
	// owner is the key of the workload that a slot means, of any node; pods are the names of all.
	owner map[slot]string
	pods  map[slot]bool
}

// placesOf finds the slots. A workload has one for all its pods, "<target>-*", which outlives them, where each has such a name and no other
// pod of the namespace; pods holds the names of those by namespace. Else each pod has its own.
func placesOf(workloads []*workload.Workload, pods map[string][]string) places {
	p := places{on: map[string]map[slot]string{}, owner: map[slot]string{}, pods: map[slot]bool{}}
	for namespace, names := range pods {
		for _, name := range names {
			p.pods[slot{namespace, name}] = true
		}
	}
	for _, w := range workloads {
		prefix := w.Target + "-"
		whole := one(w, prefix, pods[w.Namespace])
		if whole {
			p.owner[slot{w.Namespace, prefix + "*"}] = w.Key()
		}
		for _, pod := range w.Pods {
			s := slot{w.Namespace, pod.Name}
			p.owner[s] = w.Key()
			if whole {
				s.pod = prefix + "*"
			}
			if p.on[pod.Node] == nil {
				p.on[pod.Node] = map[slot]string{}
			}
			p.on[pod.Node][s] = w.Key()
		}
	}
	return p
}

// one says whether the prefix means the workload's pods and no other.
func one(w *workload.Workload, prefix string, names []string) bool {
	of := func(name string) bool { return strings.HasPrefix(name, prefix) }
	own := 0
	for _, pod := range w.Pods {
		if !of(pod.Name) {
			return false
		}
		own++
	}
	others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !of(name) })
	return len(others) <= own
}

// next is the table of a node after the present one. What objectives that say nothing now have in it stays; where one that does asks for the
// same service, the least counts.
func next(present []v1alpha1.SetPoint, node string, p places, c claims) []v1alpha1.SetPoint {
	targets := map[slot]int32{}
	for s, key := range p.on[node] {
		if a, ok := c.asked[key]; ok {
			targets[s] = a.milli
		}
	}
	for i := range present {
		s, ours := slotOf(&present[i])
		key, known := p.owner[s]
		target, asked := targets[s]
		switch {
		case !ours:
		case asked && c.silent[key]:
			targets[s] = min(target, present[i].MilliTarget)
		case !asked && known && c.silent[key], !asked && !known && c.quiet[s.namespace] && (strings.HasSuffix(s.pod, "*") || p.pods[s]):
			targets[s] = present[i].MilliTarget
		}
	}
	return tableOf(targets)
}

// tableOf lists the targets. The first set-point of a list that has a container counts: names and longer prefixes stand before what is
// shorter and begins alike, because * comes before all that names consist of. Of more than the type takes the least targets are kept.
func tableOf(targets map[slot]int32) []v1alpha1.SetPoint {
	list := make([]v1alpha1.SetPoint, 0, len(targets))
	for s, milli := range targets {
		list = append(list, v1alpha1.SetPoint{
			PartitionMember: v1alpha1.PartitionMember{Namespace: s.namespace, Pod: s.pod}, Signal: v1alpha1.SignalRunQueueDelay, MilliTarget: milli,
		})
	}
	byName := func(a, b v1alpha1.SetPoint) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(b.Pod, a.Pod))
	}
	if len(list) > mostPoints {
		slices.SortFunc(list, func(a, b v1alpha1.SetPoint) int {
			return cmp.Or(cmp.Compare(a.MilliTarget, b.MilliTarget), byName(a, b))
		})
		list = list[:mostPoints]
	}
	slices.SortFunc(list, byName)
	return list
}

// slotOf is the slot of a set-point; false for one that is not of our making.
func slotOf(p *v1alpha1.SetPoint) (slot, bool) {
	return slot{p.Namespace, p.Pod}, p.Signal == v1alpha1.SignalRunQueueDelay && p.QOSClass == "" && p.Namespace != "" && p.Pod != ""
}

// differs is the share by which a target must differ to be written again: what a window more or less of telemetry changes is less.
const differs = 0.2

// changes are the slots that came or changed, and those that are gone or were not of our making.
func changes(from, to []v1alpha1.SetPoint) (changed, gone []slot) {
	before := map[slot]int32{}
	for i := range from {
		s, ours := slotOf(&from[i])
		if !ours {
			gone = append(gone, s)
			continue
		}
		before[s] = from[i].MilliTarget
	}
	now := map[slot]bool{}
	for i := range to {
		s, _ := slotOf(&to[i])
		now[s] = true
		was, is := float64(before[s]), float64(to[i].MilliTarget)
		if math.Abs(is-was) > differs*was {
			changed = append(changed, s)
		}
	}
	for i := range from {
		if s, ours := slotOf(&from[i]); ours && !now[s] {
			gone = append(gone, s)
		}
	}
	return changed, gone
}

// versionPrefix begins the versions of tables that are ours.
const versionPrefix = "recommender "

// versionOf names a table: who wrote it, when, and the beginning of its hash.
func versionOf(table []v1alpha1.SetPoint, now time.Time) string {
	text, err := json.Marshal(table)
	if err != nil { // strings and numbers
		text = nil
	}
	return fmt.Sprintf("%s%s %.4x", versionPrefix, now.UTC().Format(time.RFC3339), sha256.Sum256(text))
}

// writtenAt is when the table of a version was written; zero: not by us.
func writtenAt(version string) time.Time {
	rest, ours := strings.CutPrefix(version, versionPrefix)
	at, _, _ := strings.Cut(rest, " ")
	t, err := time.Parse(time.RFC3339, at)
	if !ours || err != nil {
		return time.Time{}
	}
	return t
}
