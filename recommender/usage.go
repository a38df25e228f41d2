package recommender

import (
	"context"
	"math"
	"time"

	inputmetrics "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/input/metrics"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"
)

// usageTee gives VPA's round the answer of the metrics API, and keeps what it says of CPU. The API is read once a round, before the
// objectives are decided on, so that both go on the same answer. It is for one goroutine.
type usageTee struct {
	client inputmetrics.MetricsClient
	maxAge time.Duration

	waits  bool // an answer waits for VPA
	answer []*inputmetrics.ContainerMetricsSnapshot
	err    error
	newest map[model.ContainerID]measurement
}

type measurement struct {
	at    time.Time
	cores float64
}

var _ inputmetrics.MetricsClient = (*usageTee)(nil)

func newUsageTee(client inputmetrics.MetricsClient, maxAge time.Duration) *usageTee {
	return &usageTee{client: client, maxAge: maxAge, newest: map[model.ContainerID]measurement{}}
}

// read asks the metrics API. Containers keep their last measurement if it fails.
func (u *usageTee) read(ctx context.Context) {
	u.answer, u.err = u.client.GetContainersMetrics(ctx)
	u.waits = true
	if u.err != nil {
		return
	}
	clear(u.newest)
	for _, snapshot := range u.answer {
		if cpu, ok := snapshot.Usage[model.ResourceCPU]; ok {
			u.newest[snapshot.ID] = measurement{at: snapshot.SnapshotTime, cores: model.CoresFromCPUAmount(cpu)}
		}
	}
}

// GetContainersMetrics returns the answer that has been read, or asks.
func (u *usageTee) GetContainersMetrics(ctx context.Context) ([]*inputmetrics.ContainerMetricsSnapshot, error) {
	if !u.waits {
		return u.client.GetContainersMetrics(ctx)
	}
	answer, err := u.answer, u.err
	u.waits, u.answer, u.err = false, nil, nil
	return answer, err
}

// cores is what a container used at its newest measurement; NaN without one or if it is too old.
func (u *usageTee) cores(now time.Time, namespace, pod, container string) float64 {
	m, ok := u.newest[model.ContainerID{PodID: model.PodID{Namespace: namespace, PodName: pod}, ContainerName: container}]
	if !ok || now.Sub(m.at) > u.maxAge {
		return math.NaN()
	}
	return m.cores
}
