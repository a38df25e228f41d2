package traffic

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
)

// Drive lets time pass on an emulated machine: it reads the groups' schemata, steps the model, and sets the counters to what came of it. The
// machine's spec is that of the tree; peakMBps is what the memory behind one cache can do. RMIDs in limbo drain with the same time
// constant. A load whose group is not there is an error, and then nothing has happened. Sub-NUMA clustering is not modelled.
func (m *Model) Drive(tree *resctrlfs.Tree, spec resctrlfs.Spec, peakMBps float64, dt time.Duration, loads []Load) ([]Used, error) {
	if spec.L3 == nil || spec.Monitoring == nil || spec.Monitoring.Nodes() > 1 {
		return nil, fmt.Errorf("driving counters: the machine needs L3 and Monitoring by cache, has %+v", spec)
	}
	limits := map[key]Limits{}
	for _, l := range loads {
		found, err := groupLimits(tree, spec, peakMBps, l)
		if err != nil {
			return nil, fmt.Errorf("driving counters of load %s: %w", l.Name, err)
		}
		limits[keyOf(l)] = found
	}
	cache := Cache{WayBytes: float64(spec.L3.Bytes) / float64(spec.L3.Ways), PeakMBps: peakMBps}
	used := m.Step(dt, cache, loads, func(l Load) Limits { return limits[keyOf(l)] })
	for i, l := range loads {
		total := used[i].MBps * 1e6 * max(dt, 0).Seconds()
		if err := count(tree, spec, l, total); err != nil {
			return nil, err
		}
	}
	tree.CheckLimbo(math.Exp(-max(dt, 0).Seconds() / Tau.Seconds()))
	return used, m.showOccupancy(tree, spec)
}

func count(tree *resctrlfs.Tree, spec resctrlfs.Spec, l Load, bytes float64) error {
	for _, event := range spec.Monitoring.Events {
		amount := bytes
		switch event {
		case resctrlfs.LLCOccupancy:
			continue
		case resctrlfs.MBMLocalBytes:
			amount *= min(sane(l.Local), 1)
		}
		if err := tree.AddCounter(l.Group, l.Domain, event, uint64(amount)); err != nil {
			return fmt.Errorf("driving counters of load %s: %w", l.Name, err)
		}
	}
	return nil
}

// showOccupancy sets the occupancy of all groups that a load has filled and that are still there, in the hardware's steps.
func (m *Model) showOccupancy(tree *resctrlfs.Tree, spec resctrlfs.Spec) error {
	if spec.Monitoring.Events[0] != resctrlfs.LLCOccupancy {
		return nil
	}
	unit := uint64(spec.Monitoring.OccupancyUnit)
	for at := range m.occupancy {
		if _, err := tree.Mode(at.group); err != nil {
			continue // its lines are its RMID's, in limbo
		}
		bytes := uint64(m.Occupancy(at.group, at.domain)) / unit * unit
		if err := tree.SetCounter(at.group, at.domain, resctrlfs.LLCOccupancy, resctrlfs.Counter{Value: bytes}); err != nil {
			return fmt.Errorf("driving occupancy: %w", err)
		}
	}
	return nil
}

// groupLimits reads what a load's control group may use in its domain: ways for data and MB/s. Percent are of the memory's peak, AMD's units
// 125 MB/s, and with mba_MBps MiB/s. The largest value is no limit.
func groupLimits(tree *resctrlfs.Tree, spec resctrlfs.Spec, peakMBps float64, l Load) (Limits, error) {
	group := l.Group
	if dir := path.Dir(group); path.Base(dir) == "mon_groups" {
		group = path.Dir(dir)
	}
	text, err := tree.ReadFile(path.Join(group, "schemata"))
	if err != nil {
		return Limits{}, err
	}
	found := Limits{Group: group, MBps: math.Inf(1)}
	options, _ := tree.Options()
	for line := range strings.Lines(string(text)) {
		name, values, _ := strings.Cut(strings.TrimSpace(line), ":")
		value, has := domainValue(values, l.Domain)
		switch {
		case !has:
		case name == "L3", name == "L3DATA":
			mask, err := strconv.ParseUint(value, 16, 32)
			if err != nil {
				return Limits{}, fmt.Errorf("%s: mask %q: %w", group, value, err)
			}
			found.Mask = uint32(mask)
		case name == "MB":
			number, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return Limits{}, fmt.Errorf("%s: bandwidth %q: %w", group, value, err)
			}
			found.MBps = bandwidth(number, spec, options.MBps, peakMBps)
		}
	}
	return found, nil
}

func bandwidth(value uint64, spec resctrlfs.Spec, inMBps bool, peakMBps float64) float64 {
	switch {
	case inMBps && value == math.MaxUint32, !inMBps && value == uint64(spec.MB.Max):
		return math.Inf(1)
	case inMBps:
		return float64(value) * (1 << 20) / 1e6
	case spec.MB.Linear:
		return peakMBps * float64(value) / float64(spec.MB.Max)
	}
	return float64(value) * 125
}

// domainValue is the value of a domain in id=value;id=value.
func domainValue(values string, domain int) (string, bool) {
	for item := range strings.SplitSeq(values, ";") {
		if id, value, _ := strings.Cut(item, "="); strings.TrimSpace(id) == strconv.Itoa(domain) {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}
