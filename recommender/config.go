package recommender

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/recommender/election"
	"github.com/ballast-k8s/ballast/recommender/eviction"
)

// ConfigAPIVersion and ConfigKind are what a configuration file says it is.
const (
	ConfigAPIVersion = "recommender.config.ballast.dev/v1alpha1"
	ConfigKind       = "RecommenderConfiguration"
)

// Config is what the configuration file says.
type Config struct {
	// Interval is the time between two rounds, at least minInterval. Usage is sampled once a round. Defaults to one minute, as
	// the stock recommender's: VPA's confidence counts samples and takes them for minutes.
	Interval time.Duration
	// Speedup is for demonstrations, whose clock runs so many times as fast: it divides every period, ours and VPA's own (Interval,
	// holding and stepping down, VPA's half-lives, aggregation interval and confidence intervals). What users write in objects, such as
	// a LatencyObjective's target and window, it leaves alone, and so it does what others' clocks decide: metrics-server's
	// --metric-resolution, the updater's interval and the times of OpenTelemetry's Collector (metrics_flush_interval, batch timeout) must be
	// divided too, or rounds read what is rounds old. From 1 to maxSpeedup; Interval divided by it must still be minInterval.
	// Defaults to 1.
	Speedup float64
	// Telemetry says where spans and metrics of the applications are received.
	Telemetry Telemetry
	// Eviction says how fast batch pods may be evicted that nodes' agents name.
	Eviction eviction.Config
	// LeaderElection says whether and how replicas take turns.
	LeaderElection election.Config
}

// Telemetry is the part of Config about the receiver of OTLP over HTTPS.
type Telemetry struct {
	// BindAddress is listened on; nil means that of the endpoint for health and metrics.
	BindAddress net.IP
	// Port is OTLP's, 4318. 0 means no receiver: then every LatencyObjective is blind, and its workloads get stock recommendations.
	Port int
}

// minInterval keeps a typing error from flooding the API server. Kubelets measure usage every 10 to 15 s.
const minInterval = time.Second

// maxSpeedup turns VPA's day of memory into a minute and a half. Faster, rounds of a second would be minutes of the demonstration.
const maxSpeedup = 1000

// otlpPort is the one that OTLP over HTTP has by its specification.
const otlpPort = 4318

// DefaultConfig is the configuration of an empty file.
func DefaultConfig() Config {
	return Config{
		Interval: time.Minute, Speedup: 1, Telemetry: Telemetry{Port: otlpPort}, Eviction: eviction.DefaultConfig(),
		LeaderElection: election.Config{
			LeaderElect: true, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
		},
	}
}

// Validate returns what is wrong with the configuration.
func (c Config) Validate() field.ErrorList {
	var errs field.ErrorList
	if c.Interval < minInterval {
		errs = append(errs, field.Invalid(field.NewPath("interval"), c.Interval.String(), fmt.Sprintf("must be at least %s, such as 1m", minInterval)))
	}
	switch {
	case !(c.Speedup >= 1 && c.Speedup <= maxSpeedup): // NaN too
		errs = append(errs, field.Invalid(field.NewPath("speedup"), c.Speedup, fmt.Sprintf("must be from 1 to %d", maxSpeedup)))
	case c.Interval >= minInterval && c.period() < minInterval:
		errs = append(errs, field.Invalid(field.NewPath("speedup"), c.Speedup,
			fmt.Sprintf("leaves %s of interval %s, must leave at least %s", c.period(), c.Interval, minInterval)))
	}
	if c.Telemetry.Port < 0 || c.Telemetry.Port > math.MaxUint16 {
		errs = append(errs, field.Invalid(field.NewPath("telemetry", "port"), c.Telemetry.Port, "must be from 1 to 65535, or 0 for no receiver"))
	}
	errs = append(errs, c.Eviction.Validate(field.NewPath("eviction"))...)
	if c.LeaderElection.LeaderElect {
		errs = append(errs, c.LeaderElection.Validate(field.NewPath("leaderElection"))...)
	}
	return errs
}

// period is the time between two rounds on the wall's clock.
func (c Config) period() time.Duration { return c.divided(c.Interval) }

// divided is a period under the speedup.
func (c Config) divided(d time.Duration) time.Duration { return time.Duration(float64(d) / c.Speedup) }

// configFile is the file. Times are text here, so that an error can name their field.
type configFile struct {
	APIVersion     string             `json:"apiVersion"`
	Kind           string             `json:"kind"`
	Interval       string             `json:"interval"`
	Speedup        float64            `json:"speedup"`
	Telemetry      telemetryFile      `json:"telemetry"`
	Eviction       eviction.Config    `json:"eviction"`
	LeaderElection leaderElectionFile `json:"leaderElection"`
}

type telemetryFile struct {
	BindAddress string `json:"bindAddress"`
	Port        int    `json:"port"`
}

type leaderElectionFile struct {
	LeaderElect   bool   `json:"leaderElect"`
	LeaseDuration string `json:"leaseDuration"`
	RenewDeadline string `json:"renewDeadline"`
	RetryPeriod   string `json:"retryPeriod"`
}

// ReadConfig reads and checks a configuration file.
func ReadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := DecodeConfig(text)
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration %q: %w", path, err)
	}
	return c, nil
}

// DecodeConfig reads and checks the text of a configuration file, in YAML or JSON. What it leaves out keeps its default; what
// it says beside the fields of Config is an error.
func DecodeConfig(text []byte) (Config, error) {
	file := fileOf(DefaultConfig())
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		form, marshalErr := json.Marshal(fileOf(DefaultConfig()))
		if marshalErr != nil {
			return Config{}, marshalErr
		}
		return Config{}, fmt.Errorf("%w; expected the form %s", err, form)
	}
	c, errs := file.config()
	if len(errs) == 0 {
		errs = c.Validate()
	}
	return c, errs.ToAggregate()
}

func fileOf(c Config) configFile {
	l := c.LeaderElection
	return configFile{
		APIVersion: ConfigAPIVersion, Kind: ConfigKind, Interval: c.Interval.String(), Speedup: c.Speedup,
		Telemetry: telemetryFile{Port: c.Telemetry.Port}, Eviction: c.Eviction,
		LeaderElection: leaderElectionFile{
			LeaderElect: l.LeaderElect, LeaseDuration: l.LeaseDuration.String(), RenewDeadline: l.RenewDeadline.String(), RetryPeriod: l.RetryPeriod.String(),
		},
	}
}

// config turns text into times.
func (f configFile) config() (Config, field.ErrorList) {
	var errs field.ErrorList
	if f.APIVersion != ConfigAPIVersion {
		errs = append(errs, field.NotSupported(field.NewPath("apiVersion"), f.APIVersion, []string{ConfigAPIVersion}))
	}
	if f.Kind != ConfigKind {
		errs = append(errs, field.NotSupported(field.NewPath("kind"), f.Kind, []string{ConfigKind}))
	}
	duration := func(path *field.Path, text string) time.Duration {
		d, err := time.ParseDuration(text)
		if err != nil {
			errs = append(errs, field.Invalid(path, text, "must be a time with its unit, such as 30s or 1m"))
		}
		return d
	}
	lease := field.NewPath("leaderElection")
	receiver := Telemetry{Port: f.Telemetry.Port}
	if text := f.Telemetry.BindAddress; text != "" {
		if receiver.BindAddress = net.ParseIP(text); receiver.BindAddress == nil {
			errs = append(errs, field.Invalid(field.NewPath("telemetry", "bindAddress"), text, "must be an IP address, such as 0.0.0.0"))
		}
	}
	return Config{
		Interval: duration(field.NewPath("interval"), f.Interval), Speedup: f.Speedup, Telemetry: receiver, Eviction: f.Eviction,
		LeaderElection: election.Config{
			LeaderElect:   f.LeaderElection.LeaderElect,
			LeaseDuration: duration(lease.Child("leaseDuration"), f.LeaderElection.LeaseDuration),
			RenewDeadline: duration(lease.Child("renewDeadline"), f.LeaderElection.RenewDeadline),
			RetryPeriod:   duration(lease.Child("retryPeriod"), f.LeaderElection.RetryPeriod),
		},
	}, errs
}
