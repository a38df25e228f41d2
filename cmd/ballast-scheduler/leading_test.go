package main

import (
	"testing"
	"time"

	"k8s.io/component-base/metrics"
	testingclock "k8s.io/utils/clock/testing"
)

func TestLeadership(t *testing.T) {
	registry := metrics.NewKubeRegistry()
	fake := testingclock.NewFakePassiveClock(time.Now())
	leads := leadership(registry, fake)
	if leads() {
		t.Error("leads before an election could have begun")
	}
	fake.SetTime(fake.Now().Add(electionPatience))
	if !leads() {
		t.Error("does not lead without leader election")
	}
	status := metrics.NewGaugeVec(&metrics.GaugeOpts{Name: leaderMetric, Help: "x"}, []string{"name"})
	registry.MustRegister(status)
	status.WithLabelValues("kube-scheduler").Set(0)
	if leads() {
		t.Error("leads although another does")
	}
	status.WithLabelValues("kube-scheduler").Set(1)
	if !leads() {
		t.Error("does not lead although elected")
	}
}
