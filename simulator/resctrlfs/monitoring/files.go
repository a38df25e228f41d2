package monitoring

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kernfs"
)

// AddInfo makes info/L3_MON (rdtgroup_create_info_dir, res_common_files).
func (m *Monitor) AddInfo(info *kernfs.Node) {
	dir := info.AddDir("L3_MON", info.Perm, nil)
	rmids := fmt.Sprintf("%d\n", m.spec.NumRMIDs)
	dir.AddFile("num_rmids", func() string { return rmids }, nil)
	dir.AddFile("mon_features", m.readFeatures, nil)
	dir.AddFile("max_threshold_occupancy", func() string { return fmt.Sprintf("%d\n", m.Threshold()) },
		func(_ kernfs.Writer, data []byte) syscall.Errno { return m.WriteThreshold(kerneltext.CString(data)) })
	if m.Assignable() {
		dir.AddFile("mbm_assign_mode", m.AssignMode, m.command(func(text string) syscall.Errno {
			errno := m.SetAssignMode(text)
			m.showEventConfigs(dir)
			return errno
		}))
		dir.AddFile("num_mbm_cntrs", m.NumCounters, nil)
		dir.AddFile("available_mbm_cntrs", m.AvailableCounters, nil).Refuses = m.RefusesAssignment
		dir.AddFile("mbm_assign_on_mkdir", m.AssignOnMkdir,
			func(_ kernfs.Writer, data []byte) syscall.Errno { return m.SetAssignOnMkdir(kerneltext.CString(data)) })
	}
	m.showEventConfigs(dir)
}

// showEventConfigs makes what chooses the transactions that events count be there unless counters are assigned (resctrl_bmec_files_show).
func (m *Monitor) showEventConfigs(dir *kernfs.Node) {
	for _, event := range []string{MBMTotalBytes, MBMLocalBytes} {
		name := event + "_config"
		file, wanted := dir.Children[name], m.Configurable() && m.Has(event) && !m.AssignsByHand()
		switch {
		case wanted && file == nil:
			dir.AddFile(name, func() string { return m.EventConfig(event) },
				m.command(func(text string) syscall.Errno { return m.WriteEventConfig(event, text) }))
		case !wanted && file != nil:
			file.Remove()
		}
	}
}

// readFeatures is rdt_mon_features_show.
func (m *Monitor) readFeatures() string {
	var b strings.Builder
	for _, event := range m.spec.Events {
		b.WriteString(event + "\n")
		if event != LLCOccupancy && m.Configurable() && !m.AssignsByHand() {
			b.WriteString(event + "_config\n")
		}
	}
	return b.String()
}

// command is a write that must end in a newline, or it is EINVAL and the status stays.
func (m *Monitor) command(apply func(text string) syscall.Errno) func(kernfs.Writer, []byte) syscall.Errno {
	return func(_ kernfs.Writer, data []byte) syscall.Errno {
		if !bytes.HasSuffix(data, []byte{'\n'}) {
			return syscall.EINVAL
		}
		m.status.Clear()
		return apply(kerneltext.CString(data[:len(data)-1]))
	}
}

// AddAssignments makes mbm_L3_assignments, which counters a group has, where counters are assigned.
func (m *Monitor) AddAssignments(group *kernfs.Node, rmid func() int) {
	if !m.Assignable() {
		return
	}
	file := group.AddFile("mbm_L3_assignments", func() string { return m.Assignments(rmid()) },
		m.command(func(text string) syscall.Errno { return m.Assign(rmid(), text) }))
	file.Refuses = m.RefusesAssignment
}

// UpdateData makes a group's mon_data have a directory for each domain that is online and no other (mkdir_mondata_subdir,
// mon_rmdir_one_subdir): one for each cache and, with sub-NUMA clustering, in it one for each node. rmids are those that the group's files
// show, its own first.
func (m *Monitor) UpdateData(data *kernfs.Node, rmids func() []int) {
	wanted := map[string]bool{}
	for _, d := range m.Domains() {
		name := fmt.Sprintf("mon_L3_%02d", d.Cache)
		wanted[name] = true
		read := func(event string) string { return m.Read(rmids(), d.ID, event) }
		if m.spec.Nodes() == 1 {
			m.addEvents(data, name, read)
			continue
		}
		m.addEvents(data, name, func(event string) string { return m.ReadCache(rmids(), d.Cache, event) })
		sub := fmt.Sprintf("mon_sub_L3_%02d", d.ID)
		wanted[sub] = true
		m.addEvents(data.Children[name], sub, read)
	}
	for name, dir := range data.Children {
		for sub, nodes := range dir.Children {
			if nodes.Children != nil && !wanted[sub] {
				nodes.Remove()
			}
		}
		if !wanted[name] {
			dir.Remove()
		}
	}
}

// addEvents makes a directory of counters unless it is there (mon_add_all_files).
func (m *Monitor) addEvents(parent *kernfs.Node, name string, read func(event string) string) {
	if parent.Children[name] != nil {
		return
	}
	dir := parent.AddDir(name, parent.Perm, parent.Priv)
	for _, event := range m.spec.Events {
		dir.AddFile(event, func() string { return read(event) }, nil)
	}
}
