package recommender

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/recommender/election"
	"github.com/ballast-k8s/ballast/recommender/eviction"
)

func TestDefaults(t *testing.T) {
	want := Config{
		Interval: time.Minute, Speedup: 1, Telemetry: Telemetry{Port: 4318}, Eviction: eviction.Config{PerMinute: 1},
		LeaderElection: election.Config{
			LeaderElect: true, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
		},
	}
	if diff := cmp.Diff(want, DefaultConfig()); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	for _, text := range []string{"", "{}", "interval: 60s", "leaderElection: {}"} {
		got, err := DecodeConfig([]byte(text))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: error %v (-want +got):\n%s", text, err, diff)
		}
	}
	if errs := want.Validate(); len(errs) > 0 {
		t.Errorf("the defaults are not valid: %v", errs)
	}
	shipped, err := ReadConfig("../manifests/recommender/config.yaml")
	if diff := cmp.Diff(want, shipped); diff != "" || err != nil {
		t.Errorf("manifests/recommender/config.yaml says it has the defaults; error %v (-want +got):\n%s", err, diff)
	}
}

func TestDecodeConfig(t *testing.T) {
	got, err := DecodeConfig([]byte(`
apiVersion: recommender.config.ballast.dev/v1alpha1
kind: RecommenderConfiguration
interval: 30s
speedup: 12.5
telemetry: {bindAddress: 127.0.0.1, port: 1234}
eviction: {perMinute: 3}
leaderElection: {leaderElect: false, leaseDuration: 1m, renewDeadline: 40s, retryPeriod: 1500ms}
`))
	want := Config{
		Interval: 30 * time.Second, Speedup: 12.5,
		Telemetry:      Telemetry{BindAddress: net.IPv4(127, 0, 0, 1), Port: 1234},
		Eviction:       eviction.Config{PerMinute: 3},
		LeaderElection: election.Config{LeaseDuration: time.Minute, RenewDeadline: 40 * time.Second, RetryPeriod: 1500 * time.Millisecond},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

func TestDecodeConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"not YAML":             {"interval: [", "yaml"},
		"field":                {"intervall: 1m", `unknown field "intervall"; expected the form {"apiVersion":`},
		"field below":          {"leaderElection: {lease: 1m}", `unknown field "lease"`},
		"field twice":          {"interval: 1m\ninterval: 2m", `key "interval" already set`},
		"apiVersion":           {"apiVersion: v1", `apiVersion: Unsupported value: "v1": supported values: "recommender.config.ballast.dev/v1alpha1"`},
		"kind":                 {"kind: Config", `kind: Unsupported value: "Config"`},
		"interval, no time":    {"interval: often", `interval: Invalid value: "often": must be a time with its unit, such as 30s or 1m`},
		"interval, number":     {"interval: 60", `interval: Invalid value: "60": must be a time with its unit`},
		"interval, short":      {"interval: 999ms", `interval: Invalid value: "999ms": must be at least 1s`},
		"speedup, slow":        {"speedup: 0.5", "speedup: Invalid value: 0.5: must be from 1 to 1000"},
		"speedup, fast":        {"interval: 1h\nspeedup: 1001", "speedup: Invalid value: 1001: must be from 1 to 1000"},
		"speedup, no number":   {"speedup: .nan", "speedup"},
		"speedup, interval":    {"interval: 1m\nspeedup: 61", `speedup: Invalid value: 61: leaves 983.606557ms of interval 1m0s, must leave at least 1s`},
		"telemetry, address":   {"telemetry: {bindAddress: localhost}", `telemetry.bindAddress: Invalid value: "localhost": must be an IP address, such as 0.0.0.0`},
		"telemetry, port":      {"telemetry: {port: 65536}", "telemetry.port: Invalid value: 65536: must be from 1 to 65535, or 0 for no receiver"},
		"eviction":             {"eviction: {perMinute: 0}", "eviction.perMinute: Invalid value: 0: must be from 1 to 60"},
		"leaderElect":          {"leaderElection: {leaderElect: 7}", "leaderElection.leaderElect of type bool"},
		"leaseDuration":        {"leaderElection: {leaseDuration: 10s}", `leaderElection.leaseDuration: Invalid value: "10s": must be more than renewDeadline`},
		"leaseDuration, parts": {"leaderElection: {leaseDuration: 15500ms}", "must be whole seconds"},
		"renewDeadline":        {"leaderElection: {renewDeadline: 2400ms}", `leaderElection.renewDeadline: Invalid value: "2.4s": must be more than 1.2 times retryPeriod`},
		"retryPeriod":          {"leaderElection: {retryPeriod: 0s}", `leaderElection.retryPeriod: Invalid value: "0s": must be positive`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeConfig([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestReadConfigNamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if _, err := ReadConfig(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v for a file that is missing", err)
	}
	if err := os.WriteFile(file, []byte("interval: 1h30m"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := ReadConfig(file); err != nil || c.Interval != 90*time.Minute {
		t.Errorf("interval %s, error %v", c.Interval, err)
	}
	if err := os.WriteFile(file, []byte("interval: -1m"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadConfig(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want one that names the file", err)
	}
}
