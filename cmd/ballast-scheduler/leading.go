package main

import (
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/utils/clock"
)

const (
	// leaderMetric is what kube-scheduler's leader election says of this process: 1 while it leads, else 0. There is nothing without leader
	// election.
	leaderMetric = "leader_election_master_status"
	// electionPatience is how long after the start of the process leader election may take to say anything.
	electionPatience = 10 * time.Second
)

// leadership returns a function that reports whether this process schedules. kube-scheduler tells its plugins nothing of it, but its metric
// does. Without leader election there is no such metric, and the process leads: after a while, as elections begin when the first
// lists of objects have been read.
func leadership(gather metrics.Gatherer, c clock.PassiveClock) func() bool {
	begin := c.Now()
	return func() bool {
		families, err := gather.Gather()
		for _, f := range families { // what can be gathered comes beside the error
			if f.GetName() == leaderMetric && len(f.GetMetric()) > 0 {
				return f.GetMetric()[0].GetGauge().GetValue() == 1
			}
		}
		return err == nil && c.Since(begin) >= electionPatience
	}
}
