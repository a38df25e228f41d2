package election

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
)

// nowhere is an API server that does not answer.
func nowhere() *rest.Config { return &rest.Config{Host: "https://127.0.0.1:1"} }

func electorOf(t *testing.T, l Config) (*leaderelection.LeaderElector, error) {
	t.Helper()
	return newElector(t.Context(), nowhere(), l, func(context.Context) {})
}

func TestLeadWithoutElection(t *testing.T) {
	want := errors.New("work")
	if err := Lead(t.Context(), nowhere(), Config{}, func(context.Context) error { return want }); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// TestLeadEndsWhileWaiting stops a replica that never got the lease.
func TestLeadEndsWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := Lead(ctx, nowhere(), Config{LeaderElect: true, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second}, func(context.Context) error {
		t.Error("work without the lease")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFinish(t *testing.T) {
	failure := errors.New("work")
	for name, c := range map[string]struct {
		result  error
		lost    bool
		waiting bool
		want    error
	}{
		"work never began":  {waiting: true},
		"work ends":         {},
		"work fails":        {result: failure, want: failure},
		"the lease is lost": {lost: true, want: ErrLeaseLost},
	} {
		t.Run(name, func(t *testing.T) {
			begun, ended, over := make(chan struct{}), make(chan error, 1), make(chan struct{})
			if !c.waiting {
				close(begun)
			}
			if c.lost {
				close(over)
			} else if !c.waiting {
				ended <- c.result
			}
			released := false
			err := finish(begun, ended, over, func() {
				released = true
				close(over)
			})
			if !errors.Is(err, c.want) || released == c.lost {
				t.Errorf("error %v, released %t; want %v", err, released, c.want)
			}
		})
	}
}

// TestElectionIsWhatTheLibraryTakes compares our validation with client-go's, which runs too late to say which field is wrong.
func TestElectionIsWhatTheLibraryTakes(t *testing.T) {
	times := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 10 * time.Second}
	for _, lease := range times {
		for _, renew := range times {
			for _, retry := range times {
				l := Config{LeaderElect: true, LeaseDuration: lease, RenewDeadline: renew, RetryPeriod: retry}
				errs := l.Validate(field.NewPath("leaderElection"))
				if _, err := electorOf(t, l); (err == nil) != (len(errs) == 0) {
					t.Errorf("%+v: we say %v, client-go says %v", l, errs, err)
				}
			}
		}
	}
}
