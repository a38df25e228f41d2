package machines

import (
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/monitoring"
)

func TestPresetsAreValid(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Spec{"Haswell": HaswellEP(), "Cascade Lake": CascadeLake(), "Sapphire Rapids": SapphireRapids(), "Milan": Milan()} {
		for kernel := kerneltext.Modern; kernel <= kerneltext.Legacy; kernel++ {
			s.Kernel = kernel
			if err := s.Validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if s := HaswellEP(); s.L3.Mask() != 0xfffff || s.MB != nil {
		t.Errorf("Haswell has mask %x and bandwidth %v", s.L3.Mask(), s.MB)
	}
	if s := Milan(); s.CacheIDs[8] != 16 || s.L3.Mask() != 0xffff || s.MB.Min != 0 {
		t.Errorf("Milan is %+v", s)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Spec){
		"kernel is 3":                   func(s *Spec) { s.Kernel = 3 },
		"L2IDs are []":                  func(s *Spec) { s.L2 = s.L3 },
		"L2IDs are [1 0]":               func(s *Spec) { s.L2IDs = []int{1, 0} },
		"L2.Ways":                       func(s *Spec) { c := *s.L3; c.Ways = 0; s.L2, s.L2IDs = &c, []int{0} },
		"SMBA.Granularity":              func(s *Spec) { b := *s.MB; b.Granularity = 0; s.SMBA = &b },
		"AssignableCounters is 1025":    func(s *Spec) { s.Monitoring.AssignableCounters = 1025 },
		"AssignableCounters needs":      func(s *Spec) { s.Monitoring.AssignableCounters, s.Kernel = 4, kerneltext.Padded },
		"NodesPerCache is 5":            func(s *Spec) { s.Monitoring.NodesPerCache = 5 },
		"ConfigurableEvents is 0x80":    func(s *Spec) { s.Monitoring.ConfigurableEvents = 0x80 },
		"CPUs is 8193":                  func(s *Spec) { s.CPUs = 8193 },
		"option cdpl2":                  func(s *Spec) { s.Options.CDPL2 = true },
		"no L3 with CDPCapable":         func(s *Spec) { s.Options.CDP, s.L3 = true, nil },
		"half of it is none":            func(s *Spec) { s.Options.CDP, s.L3.NumCLOSIDs = true, 1 },
		"mba_MBps requires":             func(s *Spec) { s.Options.MBps, s.Monitoring.Events = true, []string{monitoring.LLCOccupancy} },
		"without any, the kernel offer": func(s *Spec) { s.L3, s.MB, s.Monitoring = nil, nil, nil },
	} {
		s := CascadeLake()
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	s := CascadeLake()
	s.Options = Options{CDP: true, MBps: true, Debug: true}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}
