// Package modeswitch holds the mode that Ballast's one switch orders.
package modeswitch

import (
	"context"
	"sync/atomic"

	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

// Switch follows key mode of ConfigMap ballast-system/ballast. Until the API server answered for the first time it is off. A value that is no
// mode changes nothing.
type Switch struct {
	follower *follow.Follower
	seen     Seen
	current  atomic.Value // v1alpha1.Mode
}

// Seen is told what is seen of the switch.
type Seen struct {
	// Changed is told the mode, also where it stays the same; Ignored that a value is no mode.
	Changed func(v1alpha1.Mode)
	Ignored func()
}

// New returns a switch that Run has to be called for.
func New(client kubernetes.Interface, seen Seen) *Switch {
	s := &Switch{seen: seen}
	s.follower = follow.Switch(client, "Cannot read the switch", s.take)
	s.set(v1alpha1.Off)
	return s
}

// Run follows the switch until the context ends.
func (s *Switch) Run(ctx context.Context) { s.follower.Run(ctx) }

func (s *Switch) take(ctx context.Context, mode v1alpha1.Mode, err error) {
	logger := klog.FromContext(ctx)
	if err != nil {
		s.seen.Ignored()
		logger.Error(err, "Ignored the switch; keeping the mode", "configMap", klog.KRef(v1alpha1.SwitchNamespace, v1alpha1.SwitchName), "mode", s.Mode())
		return
	}
	if mode != s.Mode() {
		logger.Info("The switch changed the mode", "mode", mode, "before", s.Mode())
	}
	s.set(mode)
}

func (s *Switch) set(mode v1alpha1.Mode) {
	s.current.Store(mode)
	s.seen.Changed(mode)
}

// Mode is the one in force.
func (s *Switch) Mode() v1alpha1.Mode {
	mode, _ := s.current.Load().(v1alpha1.Mode)
	return mode
}
