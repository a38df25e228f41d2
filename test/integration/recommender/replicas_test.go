package recommender_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/component"
)

// testTakeOver kills the leader.
func testTakeOver(t *testing.T, s *suite) {
	next := s.start(t, "third")
	s.awaitMetric(t, soon, next, "sla_recommender_leader 0")
	before := s.statuses(t, ours)
	if err := syscall.Kill(s.leads.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.leads.Done()
	s.leads = next
	s.wipe(t, ours)
	// Those who wait try every 1 to 2.2 retry periods; the rest is for the busy machine.
	s.awaitMetric(t, leaseDuration+3*retryPeriod+soon, next, "sla_recommender_leader 1")
	component.Eventually(t, soon, func() string { return cmp.Diff(before, s.statuses(t, ours)) })
	s.awaitRounds(t, ours)
	if diff := cmp.Diff(s.histories(t, theirs), s.histories(t, ours)); diff != "" {
		t.Errorf("checkpoints (-stock +ballast):\n%s", diff)
	}
}

// testRestart stops the leader as a rolling update does: the lease is given up, and the next replica need not wait for its end.
func testRestart(t *testing.T, s *suite) {
	before := s.statuses(t, ours)
	if err := syscall.Kill(s.leads.PID(), syscall.SIGTERM); err != nil { // not Stop, which has little patience
		t.Fatal(err)
	}
	select {
	case <-s.leads.Done():
	case <-time.After(soon):
		t.Fatal("the recommender does not end")
	}
	if err := s.leads.Err(); err == nil || !strings.Contains(err.Error(), "exit status 0") {
		t.Errorf("ended by %v, want exit status 0", err)
	}
	s.wipe(t, ours)
	lease, err := s.client.CoordinationV1().Leases(v1alpha1.SwitchNamespace).Get(t.Context(), "ballast-recommender", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if holder := lease.Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("the lease is still held by %s", *holder)
	}
	s.leads = s.start(t, "fourth")
	s.awaitMetric(t, soon, s.leads, "sla_recommender_leader 1")
	component.Eventually(t, soon, func() string { return cmp.Diff(before, s.statuses(t, ours)) })
}
