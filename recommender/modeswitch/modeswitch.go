// Package modeswitch follows Ballast's one switch.
package modeswitch

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Mode is the position of Ballast's one switch.
type Mode string

// The positions of the switch.
const (
	// Active decides.
	Active Mode = "active"
	// Shadow computes and shows everything, and writes stock recommendations.
	Shadow Mode = "shadow"
	// Off writes stock recommendations.
	Off Mode = "off"
)

// switchRetry bounds how long after the API server's return the switch is read again; it is to be honoured within 10 seconds.
const switchRetry = 3 * time.Second

// Switch follows key mode of ConfigMap ballast-system/ballast. Until the API server answered for the first time it is off.
type Switch struct {
	source  cache.ListerWatcher
	seen    Seen
	current atomic.Value // Mode
}

// Seen is told what is seen of the switch.
type Seen struct {
	// Changed is told the mode, also where it stays the same; Ignored that a value is no mode.
	Changed func(Mode)
	Ignored func()
}

// New returns a switch that Run has to be called for.
func New(client kubernetes.Interface, seen Seen) *Switch {
	maps := client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			onlySwitch(&options)
			return maps.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			onlySwitch(&options)
			return maps.Watch(ctx, options)
		},
	}
	return switchFrom(cache.ToListWatcherWithWatchListSemantics(lw, client), seen)
}

func switchFrom(source cache.ListerWatcher, seen Seen) *Switch {
	s := &Switch{source: source, seen: seen}
	s.set(Off)
	return s
}

// onlySwitch narrows a list or watch to the one object. RBAC rules with resourceNames permit both when they carry this selector.
func onlySwitch(options *metav1.ListOptions) {
	options.FieldSelector = fields.OneTermEqualSelector("metadata.name", v1alpha1.SwitchName).String()
}

// Run follows the switch until the context ends. A failure is logged once for as long as it stays the same.
func (s *Switch) Run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	store := switchStore{take: func(obj any) { s.take(ctx, obj) }}
	reflector := cache.NewReflectorWithOptions(s.source, &v1.ConfigMap{}, store, cache.ReflectorOptions{Name: "switch", Logger: &logger})
	retry := time.NewTicker(switchRetry)
	defer retry.Stop()
	var complaint string
	for ctx.Err() == nil {
		err := reflector.ListAndWatchWithContext(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			complaint = ""
		case err.Error() != complaint:
			complaint = err.Error()
			logger.Info("Cannot read the switch; trying again until it works", "mode", s.Mode(), "every", switchRetry, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-retry.C:
		}
	}
}

// take reads the object, nil where there is none. A value that is no mode changes nothing.
func (s *Switch) take(ctx context.Context, obj any) {
	logger := klog.FromContext(ctx)
	var text string
	if cm, ok := obj.(*v1.ConfigMap); ok {
		text = cm.Data[v1alpha1.SwitchKey]
	}
	mode, err := parseMode(text)
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

func (s *Switch) set(mode Mode) {
	s.current.Store(mode)
	s.seen.Changed(mode)
}

// Mode is the one in force.
func (s *Switch) Mode() Mode {
	mode, _ := s.current.Load().(Mode)
	return mode
}

// parseMode reads the switch; absent means active.
func parseMode(text string) (Mode, error) {
	switch mode := Mode(text); mode {
	case Active, Shadow, Off:
		return mode, nil
	case "":
		return Active, nil
	default:
		return "", fmt.Errorf("key %q is %q, expected %s, %s or %s", v1alpha1.SwitchKey, text, Active, Shadow, Off)
	}
}

// switchStore is the reflector's view of the switch: a store of one object that passes on what it is given.
type switchStore struct{ take func(obj any) }

var _ cache.ReflectorStore = switchStore{}

// Add passes the object on.
func (s switchStore) Add(obj any) error {
	s.take(obj)
	return nil
}

// Update passes the object on.
func (s switchStore) Update(obj any) error { return s.Add(obj) }

// Delete passes on that there is no object.
func (s switchStore) Delete(any) error { return s.Add(nil) }

// Replace passes on the result of a list.
func (s switchStore) Replace(objs []any, _ string) error {
	if len(objs) == 0 {
		return s.Add(nil)
	}
	return s.Add(objs[0])
}

// Resync does nothing: there is nothing that could have been missed.
func (s switchStore) Resync() error { return nil }
