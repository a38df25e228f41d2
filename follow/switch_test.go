package follow

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// TestSwitch turns the switch, also while the API server is away: that is honoured within 10 seconds of its return.
func TestSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		w := atomic.Pointer[watch.RaceFreeFakeWatcher]{}
		w.Store(watch.NewRaceFreeFake())
		var away atomic.Bool
		refused := errors.New("connection refused")
		client.PrependReactor("list", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
			return away.Load(), nil, refused
		})
		client.PrependWatchReactor("configmaps", func(clienttesting.Action) (bool, watch.Interface, error) {
			if away.Load() {
				return true, nil, refused
			}
			return true, w.Load(), nil
		})
		var last atomic.Value
		stop := running(t.Context(), Switch(client, "Cannot read the switch", func(_ context.Context, mode v1alpha1.Mode, err error) {
			if err != nil {
				last.Store(err.Error())
				return
			}
			last.Store(mode.String())
		}))
		expect := func(want string) {
			t.Helper()
			synctest.Wait()
			if got, ok := last.Load().(string); !ok || !strings.Contains(got, want) {
				t.Errorf("told %v, want %s", last.Load(), want)
			}
		}
		position := func(mode, version string) *v1.ConfigMap {
			return &v1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.SwitchNamespace, Name: v1alpha1.SwitchName, ResourceVersion: version},
				Data:       map[string]string{v1alpha1.SwitchKey: mode},
			}
		}
		expect("active") // there is no object
		w.Load().Add(position("off", "2"))
		expect("off")
		w.Load().Modify(position("shadow", "3"))
		expect("shadow")
		w.Load().Modify(position("on", "4"))
		expect(`key "mode" is "on", expected active, shadow or off`)
		w.Load().Modify(position("", "5"))
		expect("active")
		w.Load().Modify(position("off", "6"))
		expect("off")
		w.Load().Delete(position("off", "7"))
		expect("active")

		away.Store(true)
		w.Swap(watch.NewRaceFreeFake()).Stop()
		time.Sleep(time.Hour)
		expect("active")
		if _, err := client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace).Create(t.Context(), position("off", "9"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		away.Store(false)
		time.Sleep(10 * time.Second)
		expect("off")
		stop()
	})
}
