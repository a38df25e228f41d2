package groups

import (
	"errors"
	"maps"
	"regexp"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// container is what runtimes' ids of containers look like, and monitor groups of theirs are called.
var container = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Sweeper removes the monitor groups that containers left behind: the runtime does not find one again that was renamed.
type Sweeper struct {
	suspects map[string]bool // folders of the last round
}

// Sweep removes the monitor groups in groups of ours that are called like a container, do not belong there, and hold no thread, now and
// in the round before. It returns how many.
func (s *Sweeper) Sweep(t resctrl.Tree, l *Look, belongs func(control, container string) bool) (int, error) {
	suspects := map[string]bool{}
	removed := 0
	var errs []error
	for _, control := range slices.Sorted(maps.Keys(l.Monitors)) {
		for _, name := range slices.Sorted(maps.Keys(l.Monitors[control])) {
			folder := Monitor(control, name)
			if !Ours(control) || !container.MatchString(name) || belongs(control, name) {
				continue
			}
			if tids, err := resctrl.Tasks(t, folder); err != nil || len(tids) > 0 {
				continue
			}
			if !s.suspects[folder] {
				suspects[folder] = true
				continue
			}
			if err := resctrl.RemoveGroup(t, folder); err != nil && !gone(err) {
				errs = append(errs, err)
				continue
			}
			l.monitored(control, name, false)
			l.Groups--
			removed++
		}
	}
	s.suspects = suspects
	return removed, errors.Join(errs[:min(len(errs), 4)]...)
}
