package closedloop

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// together calls functions at the same time and returns the first error in their order.
func together(calls ...func() error) error {
	errs := make([]error, len(calls))
	var group sync.WaitGroup
	for i, call := range calls {
		group.Go(func() { errs[i] = call() })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// await polls until a condition holds.
func await(ctx context.Context, what string, holds func() (bool, error)) error {
	const (
		patience = time.Minute // each takes seconds
		period   = 100 * time.Millisecond
	)
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	var last string
	for {
		ok, err := holds()
		if ok && err == nil {
			return nil
		}
		if err != nil {
			last = strings.TrimSpace(": " + err.Error())
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return fmt.Errorf("waiting for %s: not there after %s%s", what, patience, last)
		case <-time.After(period):
		}
	}
}
