package recommender

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
)

// nowhere is an API server that does not answer.
func nowhere() *rest.Config { return &rest.Config{Host: "https://127.0.0.1:1"} }

func electorOf(t *testing.T, l LeaderElection) (*leaderelection.LeaderElector, error) {
	t.Helper()
	return newElector(t.Context(), nowhere(), l, func(context.Context) {})
}

func TestLeadWithoutElection(t *testing.T) {
	want := errors.New("work")
	if err := lead(t.Context(), nowhere(), LeaderElection{}, func(context.Context) error { return want }); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// TestLeadEndsWhileWaiting stops a replica that never got the lease.
func TestLeadEndsWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := lead(ctx, nowhere(), DefaultConfig().LeaderElection, func(context.Context) error {
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
		"the lease is lost": {lost: true, want: errLeaseLost},
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
