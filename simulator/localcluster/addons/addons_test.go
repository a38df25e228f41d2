package addons

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

func TestFlags(t *testing.T) {
	// 24 h / 60 = 24 min, 12 h / 60 = 12 min; 50 requests a second × 60 = 3000.
	recommender := []string{
		"--kube-api-qps=3000", "--kube-api-burst=6000",
		"--recommender-interval=1s", "--checkpoints-gc-interval=10s",
		"--cpu-histogram-decay-half-life=24m0s", "--memory-histogram-decay-half-life=24m0s", "--memory-aggregation-interval=24m0s",
		"--confidence-interval-cpu=24m0s", "--confidence-interval-memory=24m0s",
	}
	if diff := cmp.Diff(recommender, RecommenderFlags(60)); diff != "" {
		t.Errorf("recommender (-want +got):\n%s", diff)
	}
	updater := []string{
		"--kube-api-qps=3000", "--kube-api-burst=6000",
		"--updater-interval=1s", "--in-recommendation-bounds-eviction-lifetime-threshold=12m0s", "--evict-after-oom-threshold=10s",
	}
	if diff := cmp.Diff(updater, UpdaterFlags(60)); diff != "" {
		t.Errorf("updater (-want +got):\n%s", diff)
	}
	for speedup, want := range map[float64]string{1: "15s", 60: "250ms", MaxSpeedup: "100ms"} {
		if got := Resolution(speedup).String(); got != want {
			t.Errorf("resolution at %v is %s, want %s", speedup, got, want)
		}
	}
}

func TestSpeedup(t *testing.T) {
	for speedup, good := range map[float64]bool{1: true, 60: true, MaxSpeedup: true, 0: false, -1: false, 0.5: false, 151: false} {
		if err := checkSpeedup(speedup); (err == nil) != good {
			t.Errorf("speedup %v: %v", speedup, err)
		}
	}
	for _, speedup := range []float64{math.NaN(), math.Inf(1)} {
		if err := checkSpeedup(speedup); err == nil || !strings.Contains(err.Error(), "[1, 150]") {
			t.Errorf("speedup %v: %v, want the range", speedup, err)
		}
	}
	if _, err := StartMetricsServer(t.Context(), nil, 0); err == nil {
		t.Error("metrics-server started without a speedup")
	}
	if _, err := StartVPA(t.Context(), nil, 0); err == nil {
		t.Error("VPA started without a speedup")
	}
}

func TestShared(t *testing.T) {
	tools := t.TempDir()
	folder := filepath.Join(tools, "share", "vpa")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "crds.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := shared(filepath.Join(tools, "bin"), "vpa", "crds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{file}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	_, err = shared(filepath.Join(tools, "bin"), "vpa", "crds.yaml", "rbac.yaml")
	if !errors.Is(err, localcluster.ErrToolMissing) || !strings.Contains(err.Error(), "make tools") || !strings.Contains(err.Error(), "rbac.yaml") {
		t.Errorf("a file that is missing: %v, want which and what to do", err)
	}
}
