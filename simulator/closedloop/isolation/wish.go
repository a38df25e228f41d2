package isolation

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// The partitions of the nodes.
const (
	// Services is meant for the pods of the application under the objective.
	Services = "services"
	// Batch is meant for batch work.
	Batch = "batch"
)

// Wish is the object that a person applies for a node. Where batch work streams through memory it gets two ways of its own, which it
// refills all the time anyway, and 30 % of the bandwidth; the services get the seven lowest, away from those of devices. Where it computes,
// it may use three of the services' nine ways beside them. These are a careful person's guesses: nothing measured stands behind them.
func Wish(node string, streaming bool) v1alpha1.NodeIsolation {
	services, batch := v1alpha1.NodePartition{Name: Services}, v1alpha1.NodePartition{Name: Batch}
	if streaming {
		const servicesEnd, batchEnd, percent = 7, 9, 30
		services.Caches = ways(0, servicesEnd, false)
		batch.Caches, batch.Bandwidth = ways(servicesEnd, batchEnd, false), limit(percent)
	} else {
		const batchBegin, end, percent = 6, 9, 60
		services.Caches = ways(0, end, true)
		batch.Caches, batch.Bandwidth = ways(batchBegin, end, true), limit(percent)
	}
	return v1alpha1.NodeIsolation{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "NodeIsolation"},
		ObjectMeta: metav1.ObjectMeta{Name: node},
		Spec:       v1alpha1.NodeIsolationSpec{Partitions: []v1alpha1.NodePartition{services, batch}},
	}
}

// ways are those of the L3 cache from up to and without to.
func ways(from, to int32, shared bool) []v1alpha1.CacheWays {
	return []v1alpha1.CacheWays{{Cache: cacheID, From: &from, To: &to, Shared: shared}}
}

func limit(percent int32) []v1alpha1.BandwidthLimit {
	return []v1alpha1.BandwidthLimit{{Resource: bandwidthID, Percent: &percent}}
}
