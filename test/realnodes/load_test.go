package realnodes_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience bounds a request. On a machine whose CPUs others use too, the service beside its antagonist may get a hundredth of one: the 0.6 s of
// work of a phase take a minute then.
const patience = 2 * time.Minute

// latencies are those of one run of load, sorted.
type latencies []time.Duration

// quantile is the one below which that part of them lies, for a part in [0, 1].
func (l latencies) quantile(part float64) time.Duration { return l[int(part*float64(len(l)-1))] }

func (l latencies) String() string {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return fmt.Sprintf("%d requests, median %.1f ms, 90 %% %.1f ms, worst %.1f ms", len(l), ms(l.quantile(0.5)), ms(l.quantile(0.9)), ms(l[len(l)-1]))
}

// measure sends requests at a fixed rate for a time, whether or not the ones before were answered, and returns how long each took since
// the moment it was due: a late start counts (open loop, no coordinated omission).
func measure(t *testing.T, url string, rate float64, during time.Duration) latencies {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: patience}
	defer client.CloseIdleConnections()
	n := int(rate * during.Seconds())
	taken, failures := make(latencies, n), make([]error, n)
	var group sync.WaitGroup
	begin := time.Now()
	for i := range n {
		due := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		time.Sleep(time.Until(due))
		group.Go(func() {
			failures[i] = get(t.Context(), client, url)
			taken[i] = time.Since(due)
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(taken, cmp.Compare[time.Duration])
	return taken
}

// get sends one request and reads the answer.
func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
