package hindsight

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Buckets is the number of parts in which the objective's window is counted, so that a window of a month costs as much as one of an hour.
const Buckets = 60

// Attainment counts requests over the objective's window.
type Attainment struct {
	window, length time.Duration // of the whole and of a bucket
	buckets        []Bucket      // oldest first
}

// Bucket counts the requests of the windows that ended from Start on.
type Bucket struct {
	Start    time.Time `json:"start"`
	Requests float64   `json:"requests"`
	Within   float64   `json:"within"`
}

// NewAttainment counts over a window that is observed a round at a time.
func NewAttainment(window, round time.Duration) Attainment {
	return Attainment{window: window, length: max(round, window/Buckets, 1)}
}

// Add counts the requests of a window that ended at a time.
func (a *Attainment) Add(t time.Time, requests, within float64) {
	if n := len(a.buckets); n == 0 || t.Sub(a.buckets[n-1].Start) >= a.length {
		a.buckets = append(a.buckets[max(0, n-Buckets):], Bucket{Start: t})
	}
	b := &a.buckets[len(a.buckets)-1]
	b.Requests, b.Within = b.Requests+requests, b.Within+within
}

// ForgetAfter drops what ended after a time.
func (a *Attainment) ForgetAfter(t time.Time) {
	for n := len(a.buckets); n > 0 && a.buckets[n-1].Start.After(t); n-- {
		a.buckets = a.buckets[:n-1]
	}
}

// Share returns the share within the target and the number of requests in the window before a time; 0 without requests.
func (a *Attainment) Share(now time.Time) (share, requests float64) {
	var within float64
	for _, b := range a.buckets {
		if now.Sub(b.Start) < a.window {
			requests, within = requests+b.Requests, within+b.Within
		}
	}
	if requests == 0 {
		return 0, 0
	}
	return within / requests, requests
}

// Window is the time counted over.
func (a *Attainment) Window() time.Duration { return a.window }

// State returns what has been counted, at most Buckets + 1 parts.
func (a *Attainment) State() []Bucket { return slices.Clone(a.buckets) }

// Restore continues from a state; one that cannot have come from counting changes nothing.
func (a *Attainment) Restore(buckets []Bucket) error {
	if len(buckets) > Buckets+1 {
		return fmt.Errorf("%d buckets, expected at most %d", len(buckets), Buckets+1)
	}
	for i, b := range buckets {
		if !(b.Within >= 0 && b.Within <= b.Requests) || math.IsInf(b.Requests, 1) || i > 0 && b.Start.Before(buckets[i-1].Start) {
			return fmt.Errorf("bucket %d is %+v, expected 0 <= Within <= Requests, in the order of time", i, b)
		}
	}
	a.buckets = slices.Clone(buckets)
	return nil
}
