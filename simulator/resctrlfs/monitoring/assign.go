package monitoring

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// assignment is which counters are assigned to which RMID's event, where a domain has fewer than there are groups (rdt_mon_domain.cntr_cfg).
type assignment struct {
	perDomain int
	on        bool // mode mbm_event; else each RMID is taken to have counters
	onMkdir   bool // mbm_assign_on_mkdir
	assigned  map[counterID]bool
}

func newAssignment(s Spec) assignment {
	on := s.AssignableCounters > 0
	return assignment{perDomain: s.AssignableCounters, on: on, onMkdir: on, assigned: map[counterID]bool{}}
}

func (a *assignment) missing(at counterID) bool {
	return a.on && isBandwidth(at.event) && !a.assigned[at]
}

func (a *assignment) forget(domain int) {
	for at := range a.assigned {
		if at.domain == domain {
			delete(a.assigned, at)
		}
	}
}

// unassignAll is rdtgroup_unassign_cntrs.
func (a *assignment) unassignAll(rmid int) {
	for at := range a.assigned {
		if at.rmid == rmid {
			delete(a.assigned, at)
		}
	}
}

func (a *assignment) available(domain int) int {
	left := a.perDomain
	for at := range a.assigned {
		if at.domain == domain {
			left--
		}
	}
	return left
}

// Assignable reports whether the machine's counters are assigned one by one.
func (m *Monitor) Assignable() bool { return m.assign.perDomain > 0 }

// AssignAll gives a new group counters for all its bandwidth events, as far as there are (rdtgroup_assign_cntrs). That some are missing is said
// in the status and is no error; the first domain without one ends it for that event.
func (m *Monitor) AssignAll(rmid int) {
	if !m.assign.on || !m.assign.onMkdir {
		return
	}
	for _, event := range m.spec.Events {
		if isBandwidth(event) {
			_ = m.assignEvent(rmid, m.Domains(), event) // said in the status
		}
	}
}

// UnassignAll takes all counters of an RMID away (rdtgroup_unassign_cntrs).
func (m *Monitor) UnassignAll(rmid int) { m.assign.unassignAll(rmid) }

// assignEvent is rdtgroup_assign_cntr_event for some domains. A counter starts at 0.
func (m *Monitor) assignEvent(rmid int, domains []Domain, event string) syscall.Errno {
	for _, d := range domains {
		at := counterID{rmid, d.ID, event}
		if m.assign.assigned[at] {
			continue
		}
		if m.assign.available(d.ID) == 0 {
			m.status.Printf("Failed to allocate counter for %s in domain %d\n", event, d.ID)
			return syscall.ENOSPC
		}
		m.assign.assigned[at] = true
		delete(m.counters, at)
	}
	return 0
}

// AssignMode is mbm_assign_mode (resctrl_mbm_assign_mode_show).
func (m *Monitor) AssignMode() string {
	if m.assign.on {
		return "[mbm_event]\ndefault\n"
	}
	return "[default]\nmbm_event\n"
}

// AssignsByHand reports whether mode mbm_event is on.
func (m *Monitor) AssignsByHand() bool { return m.assign.on }

// SetAssignMode is resctrl_mbm_assign_mode_write: a change takes all counters away and starts all bandwidth at 0.
func (m *Monitor) SetAssignMode(mode string) syscall.Errno {
	if mode != "default" && mode != "mbm_event" {
		m.status.Puts("Unsupported assign mode\n")
		return syscall.EINVAL
	}
	if on := mode == "mbm_event"; on != m.assign.on {
		m.assign = assignment{perDomain: m.assign.perDomain, on: on, onMkdir: on || m.assign.onMkdir, assigned: map[counterID]bool{}}
		for at := range m.counters {
			if isBandwidth(at.event) {
				delete(m.counters, at)
			}
		}
	}
	return 0
}

// AssignOnMkdir is mbm_assign_on_mkdir (resctrl_mbm_assign_on_mkdir_show).
func (m *Monitor) AssignOnMkdir() string {
	if m.assign.onMkdir {
		return "1\n"
	}
	return "0\n"
}

// SetAssignOnMkdir is resctrl_mbm_assign_on_mkdir_write: what kstrtobool takes.
func (m *Monitor) SetAssignOnMkdir(text string) syscall.Errno {
	on, errno := kerneltext.Bool(text)
	if errno == 0 {
		m.assign.onMkdir = on
	}
	return errno
}

// NumCounters is num_mbm_cntrs (resctrl_num_mbm_cntrs_show).
func (m *Monitor) NumCounters() string {
	return m.byDomain(func(Domain) string { return strconv.Itoa(m.assign.perDomain) })
}

// AvailableCounters is available_mbm_cntrs (resctrl_available_mbm_cntrs_show). In mode default it cannot be read; see RefusesAssignment.
func (m *Monitor) AvailableCounters() string {
	return m.byDomain(func(d Domain) string { return strconv.Itoa(m.assign.available(d.ID)) })
}

// RefusesAssignment is the errno of reading what there is in mode mbm_event alone. It is a command: the status is cleared, and says why.
func (m *Monitor) RefusesAssignment() syscall.Errno {
	m.status.Clear()
	if m.assign.on {
		return 0
	}
	m.status.Puts("mbm_event counter assignment mode is not enabled\n")
	return syscall.EINVAL
}

// byDomain is id=value for each domain.
func (m *Monitor) byDomain(value func(Domain) string) string {
	var items []string
	for _, d := range m.Domains() {
		items = append(items, fmt.Sprintf("%d=%s", d.ID, value(d)))
	}
	return strings.Join(items, ";") + "\n"
}

// Assignments is mbm_L3_assignments of a group: e where it has a counter, _ where not (mbm_L3_assignments_show).
func (m *Monitor) Assignments(rmid int) string {
	var b strings.Builder
	for _, event := range m.spec.Events {
		if isBandwidth(event) {
			b.WriteString(event + ":" + m.byDomain(func(d Domain) string {
				if m.assign.assigned[counterID{rmid, d.ID, event}] {
					return "e"
				}
				return "_"
			}))
		}
	}
	return b.String()
}

// Assign is mbm_L3_assignments_write: lines of event:domain=e or =_, a domain * being all. The text has no newline at its end. It stops at
// the first that fails; what was done stays.
func (m *Monitor) Assign(rmid int, text string) syscall.Errno {
	if !m.assign.on {
		m.status.Puts("mbm_event mode is not enabled\n")
		return syscall.EINVAL
	}
	for l := range strings.SplitSeq(text, "\n") {
		event, rest, _ := strings.Cut(l, ":")
		if !isBandwidth(event) || !m.Has(event) {
			m.status.Printf("Invalid event %s\n", event)
			return syscall.ENOENT
		}
		if errno := m.assignLine(rmid, event, rest); errno != 0 {
			return errno
		}
	}
	return 0
}

// assignLine is resctrl_parse_mbm_assignment. Behind * nothing is read.
func (m *Monitor) assignLine(rmid int, event, text string) syscall.Errno {
	for text != "" {
		var item string
		item, text, _ = strings.Cut(text, ";")
		name, state, _ := strings.Cut(kerneltext.Trim(item), "=")
		if strings.HasPrefix(name, "*") {
			errno := m.modify(rmid, m.Domains(), event, state)
			if errno != 0 {
				m.status.Printf("Assign operation '%s:*=%s' failed\n", event, state)
			}
			return errno
		}
		id, errno := kerneltext.Unsigned(name, 10, 1<<64-1)
		if errno != 0 {
			m.status.Puts("Missing domain id\n")
			return syscall.EINVAL
		}
		var there []Domain
		for _, d := range m.Domains() {
			if uint64(d.ID) == id {
				there = append(there, d)
			}
		}
		if len(there) == 0 {
			m.status.Printf("Invalid domain id %d\n", id)
			return syscall.EINVAL
		}
		if errno := m.modify(rmid, there, event, state); errno != 0 {
			m.status.Printf("Assign operation '%s:%d=%s' failed\n", event, id, state)
			return errno
		}
	}
	return 0
}

// modify is rdtgroup_modify_assign_state.
func (m *Monitor) modify(rmid int, domains []Domain, event, state string) syscall.Errno {
	switch state {
	case "e":
		return m.assignEvent(rmid, domains, event)
	case "_":
		for _, d := range domains {
			delete(m.assign.assigned, counterID{rmid, d.ID, event})
		}
		return 0
	}
	return syscall.EINVAL
}
