package recommender

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/tools/leaderelection"
	"sigs.k8s.io/yaml"
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
	// LeaderElection says whether and how replicas take turns.
	LeaderElection LeaderElection
}

// LeaderElection is the part of Config about replicas. The fields are those of every Kubernetes component, with their defaults.
type LeaderElection struct {
	// LeaderElect lets one replica decide and the others wait. Defaults to true. Without it there must be one replica only.
	LeaderElect bool
	// LeaseDuration is how long a replica that is gone is waited for. Defaults to 15 s.
	LeaseDuration time.Duration
	// RenewDeadline is how long the leader tries to renew the lease before it gives up. Less than LeaseDuration. Defaults to 10 s.
	RenewDeadline time.Duration
	// RetryPeriod is the time between two tries; those who wait add a random time to it. 1.2 times it must be less than
	// RenewDeadline. Defaults to 2 s.
	RetryPeriod time.Duration
}

// minInterval keeps a typing error from flooding the API server. Kubelets measure usage every 10 to 15 s.
const minInterval = time.Second

// DefaultConfig is the configuration of an empty file.
func DefaultConfig() Config {
	return Config{
		Interval: time.Minute,
		LeaderElection: LeaderElection{
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
	if c.LeaderElection.LeaderElect {
		errs = append(errs, c.LeaderElection.validate(field.NewPath("leaderElection"))...)
	}
	return errs
}

// validate checks what client-go asks of the three times.
func (l LeaderElection) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if l.RetryPeriod <= 0 {
		errs = append(errs, field.Invalid(path.Child("retryPeriod"), l.RetryPeriod.String(), "must be positive, such as 2s"))
	}
	if l.RenewDeadline <= time.Duration(leaderelection.JitterFactor*float64(l.RetryPeriod)) {
		errs = append(errs, field.Invalid(path.Child("renewDeadline"), l.RenewDeadline.String(), "must be more than 1.2 times retryPeriod, such as 10s"))
	}
	if l.LeaseDuration <= l.RenewDeadline {
		errs = append(errs, field.Invalid(path.Child("leaseDuration"), l.LeaseDuration.String(), "must be more than renewDeadline, such as 15s"))
	}
	if l.LeaseDuration%time.Second != 0 { // a Lease object counts seconds
		errs = append(errs, field.Invalid(path.Child("leaseDuration"), l.LeaseDuration.String(), "must be whole seconds, such as 15s"))
	}
	return errs
}

// configFile is the file. Times are text here, so that an error can name their field.
type configFile struct {
	APIVersion     string             `json:"apiVersion"`
	Kind           string             `json:"kind"`
	Interval       string             `json:"interval"`
	LeaderElection leaderElectionFile `json:"leaderElection"`
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
		APIVersion: ConfigAPIVersion, Kind: ConfigKind, Interval: c.Interval.String(),
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
	return Config{
		Interval: duration(field.NewPath("interval"), f.Interval),
		LeaderElection: LeaderElection{
			LeaderElect:   f.LeaderElection.LeaderElect,
			LeaseDuration: duration(lease.Child("leaseDuration"), f.LeaderElection.LeaseDuration),
			RenewDeadline: duration(lease.Child("renewDeadline"), f.LeaderElection.RenewDeadline),
			RetryPeriod:   duration(lease.Child("retryPeriod"), f.LeaderElection.RetryPeriod),
		},
	}, errs
}
