package interferencefit

import (
	"context"
	"fmt"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// modeSwitch follows key mode of ConfigMap ballast-system/ballast. Until the API server answered for the first time it is unread.
type modeSwitch struct {
	watch   *objectWatch
	current atomic.Value // Mode
	// changed runs after every change; failed counts values that are no mode.
	changed func(context.Context)
	failed  func()
}

func newModeSwitch(client clientset.Interface, c clock.WithTicker, failed func(), changed func(context.Context)) *modeSwitch {
	s := &modeSwitch{changed: changed, failed: failed}
	s.current.Store(unread)
	maps := client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			only(v1alpha1.SwitchName, &options)
			return maps.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			only(v1alpha1.SwitchName, &options)
			return maps.Watch(ctx, options)
		},
	}
	s.watch = newObjectWatch(fmt.Sprintf("ConfigMap %s/%s", v1alpha1.SwitchNamespace, v1alpha1.SwitchName),
		cache.ToListWatcherWithWatchListSemantics(lw, client), &v1.ConfigMap{}, c, s.take)
	return s
}

func (s *modeSwitch) mode() Mode {
	mode, _ := s.current.Load().(Mode)
	return mode
}

func (s *modeSwitch) take(ctx context.Context, obj any) {
	var text string
	if cm, ok := obj.(*v1.ConfigMap); ok {
		text = cm.Data[v1alpha1.SwitchKey]
	}
	mode, err := parseMode(text)
	if err != nil {
		s.failed()
		klog.FromContext(ctx).Error(err, "Ignored the switch; keeping the mode", "configMap",
			klog.KRef(v1alpha1.SwitchNamespace, v1alpha1.SwitchName), "mode", s.mode())
	} else {
		s.current.Store(mode)
	}
	s.changed(ctx)
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
