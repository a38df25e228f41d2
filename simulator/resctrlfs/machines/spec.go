// Package machines says what a machine is to resctrl: its CPUs, caches, bandwidth controls and monitoring, its kernel and how the file system
// is mounted. It has machines of some processors ready.
package machines

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/monitoring"
)

// Spec is a machine: what the kernel would find out from CPUID, the kernel, and how the file system is mounted first. A nil pointer means
// that the feature is absent, and with it its files. Nothing that a Spec points to may be changed once a Tree is made of it.
type Spec struct {
	// CPUs are numbered from 0; 1 to 8192. Those in Offline exist and are off at first; SetOnline changes that.
	CPUs    int
	Offline []int
	// CacheIDs are the L3 caches, ascending, from 0, gaps allowed. They are the domains of L3, of MB, of SMBA and of monitoring. CPUs are
	// divided among them in order and in equal parts.
	CacheIDs []int
	L3       *controls.Cache
	MB       *controls.Bandwidth
	SMBA     *controls.Bandwidth // slow memory
	// L2IDs are the L2 caches, as CacheIDs. There are some if there is L2.
	L2IDs []int
	L2    *controls.Cache
	// Monitoring may be there without L3 and MB: then there are monitoring groups of the default group alone.
	Monitoring *monitoring.Spec
	Kernel     kerneltext.Kernel // Modern unless said otherwise
	Options    Options
}

// Options are the options of mount(8) (rdt_fs_parameters).
type Options struct {
	CDP   bool // cdp: L3 of code and of data apart
	CDPL2 bool // cdpl2: the same of L2
	MBps  bool // mba_MBps: MB in MiB/s; needs bandwidth monitoring, a linear MB, and no sub-NUMA clustering
	Debug bool // debug: ctrl_hw_id and mon_hw_id in groups
}

// String is how /proc/mounts shows the options (rdtgroup_show_options).
func (o Options) String() string {
	text := []string{"rw", "relatime"}
	for _, option := range []struct {
		on   bool
		name string
	}{{o.CDP, "cdp"}, {o.CDPL2, "cdpl2"}, {o.MBps, "mba_MBps"}, {o.Debug, "debug"}} {
		if option.on {
			text = append(text, option.name)
		}
	}
	return strings.Join(text, ",")
}

// Machine is the part that can be divided.
func (s *Spec) Machine() controls.Machine {
	return controls.Machine{L3IDs: s.CacheIDs, L3: s.L3, L2IDs: s.L2IDs, L2: s.L2, MB: s.MB, SMBA: s.SMBA, Kernel: s.Kernel}
}

// Check refuses options that the machine cannot do (rdt_parse_param, rdt_enable_ctx).
func (s *Spec) Check(o Options) error {
	m := s.Machine()
	if err := m.Check(controls.Options{CDP: o.CDP, CDPL2: o.CDPL2}); err != nil {
		return err
	}
	mon := s.Monitoring
	if o.MBps && (s.MB == nil || !s.MB.Linear || mon == nil || !mon.HasBandwidth() || mon.Nodes() > 1) { // supports_mba_mbps
		return errors.New("option mba_MBps requires MBM and linear scale MBA at L3 scope")
	}
	return nil
}

// Validate says what is wrong with a machine, each by its field.
func (s *Spec) Validate() error {
	m := s.Machine()
	err := errors.Join(s.validateMachine(), m.Validate(), s.Monitoring.Validate(), s.Check(s.Options))
	if err == nil && s.L3 == nil && s.L2 == nil && s.MB == nil && s.SMBA == nil && s.Monitoring == nil {
		err = errors.New("L3, L2, MB, SMBA or Monitoring must be there: without any, the kernel offers no resctrl")
	}
	if err != nil {
		return fmt.Errorf("resctrlfs spec: %w", err)
	}
	return nil
}

func (s *Spec) validateMachine() error {
	if s.CPUs < 1 || s.CPUs > 8192 {
		return fmt.Errorf("CPUs is %d, expected 1 to 8192", s.CPUs)
	}
	for _, cpu := range s.Offline {
		if cpu < 0 || cpu >= s.CPUs {
			return fmt.Errorf("CPU %d in Offline, expected 0 to %d", cpu, s.CPUs-1)
		}
	}
	if s.Kernel < kerneltext.Modern || s.Kernel > kerneltext.Legacy {
		return fmt.Errorf("kernel is %d, expected Modern, Padded or Legacy", s.Kernel)
	}
	if s.Kernel != kerneltext.Modern && s.Monitoring != nil && s.Monitoring.AssignableCounters > 0 {
		return errors.New("Monitoring.AssignableCounters needs Kernel Modern")
	}
	if s.L2 == nil && len(s.L2IDs) == 0 {
		return s.validateIDs("CacheIDs", s.CacheIDs)
	}
	return errors.Join(s.validateIDs("CacheIDs", s.CacheIDs), s.validateIDs("L2IDs", s.L2IDs))
}

func (s *Spec) validateIDs(field string, ids []int) error {
	if len(ids) == 0 || len(ids) > s.CPUs || ids[0] < 0 {
		return fmt.Errorf("%s are %v, expected one to %d ids from 0", field, ids, s.CPUs)
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		return fmt.Errorf("%s are %v, expected ascending and each once", field, ids)
	}
	return nil
}
