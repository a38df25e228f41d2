// Package pluginsuite has what suites of tests share that run a scheduler plugin inside kube-scheduler: a run that leaves no goroutine behind, an API
// server of interference models, configurations read as kube-scheduler does, the switch, and waiting.
package pluginsuite

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Run runs a suite and returns the exit code for TestMain: that of the tests, or 1 with a word on stderr if they pass and leave goroutines.
func Run(m *testing.M) int {
	code := m.Run()
	if code == 0 {
		if err := leaks(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

// leaks says which goroutines are left. One look waits for half a second by itself, which is too little for a busy machine.
func leaks() error {
	for end := time.Now().Add(10 * time.Second); ; {
		// Upstream's recorder stops with the context too, but sleeps a second first.
		err := goleak.Find(goleak.IgnoreAnyFunction("k8s.io/kubernetes/pkg/scheduler/metrics.(*MetricAsyncRecorder).run"))
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// Eventually waits for a condition that changes behind the API. It ends the test if that takes longer, so it belongs into the test's own goroutine.
func Eventually(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen within %v", what, within)
		}
	}
}

// Turn sets the switch of the plugins to any text, be it a mode or not.
func Turn(t testing.TB, client kubernetes.Interface, mode string) {
	t.Helper()
	cm := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.SwitchNamespace, Name: v1alpha1.SwitchName}, Data: map[string]string{v1alpha1.SwitchKey: mode}}
	maps := client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
	if _, err := maps.Create(t.Context(), cm, metav1.CreateOptions{}); err != nil {
		if _, err := maps.Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}
