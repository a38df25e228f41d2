package node

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/exposition"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// Bounds of the status, those of its schema.
const (
	maxGroups  = 256
	maxNotes   = 64
	maxPlan    = 16384
	maxWhy     = 1024
	maxMessage = 32768 // of a condition
)

// status is what a round says. before is the status it follows on, for the times of its conditions.
func status(
	before v1alpha1.NodeIsolationStatus, generation int64, mode v1alpha1.Mode, i isolator.Found, v *containers.View, l *local,
) v1alpha1.NodeIsolationStatus {
	s := v1alpha1.NodeIsolationStatus{
		ObservedGeneration: generation,
		Mode:               string(mode),
		Plan:               cut(i.Plan, maxPlan),
		Notes:              first(i.Notes, maxNotes),
		Absent:             absent(i, v),
	}
	if o := l.outcome; o != nil {
		s.Control, s.Interference = o.Status, o.Interference
	} else if l.previous != nil { // the loop is about to go on from it
		s.Control, s.Interference = l.previous.Control, l.previous.Interference
	}
	s.Absent = append(s.Absent, unplaced(l)...)
	if i.None == "" {
		s.Capacity = capacity(i.Inventory, l.peak)
		s.Groups = groups(i)
	}
	for _, c := range before.Conditions {
		s.Conditions = append(s.Conditions, *c.DeepCopy())
	}
	for _, c := range []metav1.Condition{
		ready(i, v), blind(i, v), {Type: v1alpha1.ConditionApplied, Status: i.Applied, Reason: i.Reason, Message: i.Message},
	} {
		c.ObservedGeneration = generation
		c.Message = cut(c.Message, maxMessage)
		meta.SetStatusCondition(&s.Conditions, c)
	}
	return s
}

// ready is whether the agent works with what there is.
func ready(i isolator.Found, v *containers.View) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonWorking}
	switch {
	case v.Problem != "" && i.None != "":
		c.Status, c.Reason = metav1.ConditionFalse, v1alpha1.ReasonFailing
		c.Message = "Neither resctrl nor a cgroup can be read: " + v.Problem
	case v.Problem != "":
		c.Message = "Containers are not seen: " + v.Problem
	case v.Unnamed != "":
		c.Message = fmt.Sprintf("Containers are read from cgroup %s, without their names: %s.", v.Cgroups, v.Unnamed)
	default:
		c.Message = fmt.Sprintf("Containers are read from cgroup %s.", v.Cgroups)
	}
	return c
}

// blind is what the agent does not see of what it looks for.
func blind(i isolator.Found, v *containers.View) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ConditionBlind, Status: metav1.ConditionTrue}
	unseen := usesUnseen(i)
	switch {
	case i.Unreadable:
		c.Reason = v1alpha1.ReasonUnreadable
		c.Message = "The use of caches and memory bandwidth is not seen. " + i.None
	case i.None != "":
		c.Reason = v1alpha1.ReasonNoResctrl
		c.Message = "The use of caches and memory bandwidth is not seen. " + i.None
	case v.Problem != "":
		c.Reason, c.Message = v1alpha1.ReasonNoContainers, "The use of containers is not seen: "+v.Problem
	case v.Unnamed != "":
		c.Reason = v1alpha1.ReasonNoContainers
		c.Message = fmt.Sprintf("The use of containers is seen by their pods' UIDs only: %s.", v.Unnamed)
	case i.Inventory.Capacity.Monitoring == nil:
		c.Reason, c.Message = v1alpha1.ReasonNoResctrl, "The machine divides, but does not count the use of caches and memory bandwidth."
	case len(unseen) == len(uses):
		c.Reason = v1alpha1.ReasonUnreadable
		c.Message = fmt.Sprintf("The use of caches and memory bandwidth is not seen: %s.", unseen[uses[0].signal])
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonSeen, "Caches, memory bandwidth and containers are seen."
		for signal := range unseen { // one
			c.Message = fmt.Sprintf("Containers are seen, and the use of caches and memory bandwidth except %s.", signal)
		}
	}
	return c
}

func capacity(inventory resctrl.Inventory, peak int64) *v1alpha1.IsolationCapacity {
	c := inventory.Capacity
	out := &v1alpha1.IsolationCapacity{Classes: int32(c.Classes()), ClassesLeft: int32(max(c.Classes()-len(inventory.State.Groups), 0))}
	if c.Monitoring != nil {
		out.MonitoringIDs = int32(c.Monitoring.RMIDs)
	}
	for _, r := range c.Resources {
		is := v1alpha1.IsolationResource{Name: r.Name, Domains: schemata.Ranges(r.Domains)}
		if r.Cache != nil {
			is.Ways, is.MinWays = int32(r.Cache.Ways()), int32(r.Cache.Least())
			is.DeviceWays = schemata.WayRanges(r.Cache.Shareable)
			is.WayBytes = int64(r.Cache.WayBytes[r.Domains[0]])
		} else {
			is.PeakMBps = peak
			is.Unit, is.Min, is.Step, is.Max = r.Bandwidth.Unit.String(), int64(r.Bandwidth.Min), int64(r.Bandwidth.Step), int64(r.Bandwidth.Max)
		}
		out.Resources = append(out.Resources, is)
	}
	return out
}

// groups are the control groups with their values and use; the use of a control group contains that of its monitor groups. Of two that would have
// the same name in the list, whose key the name is, the first is shown.
func groups(i isolator.Found) []v1alpha1.IsolationGroup {
	all := i.Inventory.State.Groups
	var out []v1alpha1.IsolationGroup
	shown := map[string]bool{}
	for _, g := range all {
		name := exposition.GroupName(g.Name)
		if shown[name] || len(out) == maxGroups {
			continue
		}
		shown[name] = true
		is := v1alpha1.IsolationGroup{Name: name, Schemata: g.Schemata.Lines(i.Inventory.Capacity), Threads: int64(g.Tasks)}
		for _, c := range i.Counters {
			if c.Group != g.Name || len(is.Domains) == maxGroups {
				continue
			}
			use := v1alpha1.DomainUse{Domain: int32(c.Domain)}
			if c.Occupancy.State == resctrl.Valid {
				use.OccupancyBytes = new(int64(c.Occupancy.Value))
			}
			for _, r := range i.Rates {
				if r.Group == c.Group && r.Domain == c.Domain {
					use.TotalBytesPerSecond, use.LocalBytesPerSecond = whole(r.Total), whole(r.Local)
				}
			}
			is.Domains = append(is.Domains, use)
		}
		out = append(out, is)
	}
	return out
}

func whole(x *float64) *int64 {
	if x == nil {
		return nil
	}
	return new(int64(*x))
}

// first are the first notes of a list; the last of so many says how many there are more.
func first(notes []string, most int) []string {
	if len(notes) <= most {
		return notes
	}
	more := fmt.Sprintf("%d more notes do not fit in here; ballast node plan on the node shows all.", len(notes)-most+1)
	return append(slices.Clone(notes[:most-1]), more)
}

// cut shortens a text to so many bytes, at a rune.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-3], "") + "..."
}
