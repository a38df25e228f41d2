package v1alpha1_test

import (
	"testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

func TestSettingName(t *testing.T) {
	for _, c := range []struct {
		labels map[string]string
		groups []string
		want   string
	}{
		{nil, nil, ""},
		{nil, []string{".", "somebody"}, ""},
		{map[string]string{"node.kubernetes.io/instance-type": "m5.4xlarge"}, []string{"."}, "m5.4xlarge"},
		{map[string]string{"node.kubernetes.io/instance-type": "m5.4xlarge", "ballast.dev/shape": "big"}, nil, "big"},
		{map[string]string{"ballast.dev/shape": "big"}, []string{".", "ballast-web", "ballast-batch", "web"}, "big/batch+web"},
		{nil, []string{"ballast-web"}, "/web"},
	} {
		var status v1alpha1.NodeIsolationStatus
		for _, name := range c.groups {
			status.Groups = append(status.Groups, v1alpha1.IsolationGroup{Name: name})
		}
		if got := v1alpha1.SettingName(v1alpha1.ShapeOf(c.labels), status.PartitionsInForce()); got != c.want {
			t.Errorf("labels %v and groups %v are setting %q, want %q", c.labels, c.groups, got, c.want)
		}
	}
	spec := v1alpha1.NodeIsolationSpec{Partitions: []v1alpha1.NodePartition{{Name: "web"}, {Name: "batch"}}}
	if got := spec.PartitionsWanted(); got != "batch+web" || spec.Partitions[0].Name != "web" {
		t.Errorf("wanted are %q, and the spec is %v", got, spec.Partitions)
	}
}
