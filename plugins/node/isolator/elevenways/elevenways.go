// Package elevenways makes the resctrl tree of a small machine, whose cache has eleven ways, and wishes for it that can be worked out by hand:
// for the tests of package isolator and of the agent.
package elevenways

import (
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
)

// Tree is a copy of the tree of a machine with one cache of 11 ways in 2 domains, bandwidth in percent and 4 classes.
func Tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"info/last_cmd_status": "ok\n", "info/L3/cbm_mask": "7ff\n", "info/L3/min_cbm_bits": "1\n", "info/L3/shareable_bits": "600\n",
		"info/L3/num_closids": "4\n", "info/MB/min_bandwidth": "10\n", "info/MB/bandwidth_gran": "10\n", "info/MB/delay_linear": "1\n",
		"info/MB/num_closids": "4\n", "info/L3_MON/num_rmids": "144\n", "info/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\n",
		"schemata": "MB:0=100;1=100\nL3:0=7ff;1=7ff\n", "size": "MB:0=100;1=100\nL3:0=11534336;1=11534336\n",
		"tasks": "1\n2\n3\n", "mode": "shareable\n", "cpus": "ffffffff,ffffffff\n", "cpus_list": "0-63\n",
		"mon_data/mon_L3_00/llc_occupancy": "1000\n", "mon_data/mon_L3_00/mbm_total_bytes": "5000\n",
		"mon_data/mon_L3_01/llc_occupancy": "Unavailable\n", "mon_groups/m/tasks": "3\n",
	} {
		Put(t, filepath.Join(root, name), text)
	}
	return root
}

// Put writes a file, and makes the folders that it is in.
func Put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Start is when the tests' rounds begin.
var Start = time.Unix(1_800_000_000, 0)

// Ways is a spec of one partition, with so many ways of the L3 cache.
func Ways(name string, n int32) *v1alpha1.NodeIsolationSpec {
	return &v1alpha1.NodeIsolationSpec{Partitions: []v1alpha1.NodePartition{{Name: name, Caches: []v1alpha1.CacheWays{{Cache: "L3", Ways: &n}}}}}
}

// Controlled gives batch, whom the local loop moves, six ways.
func Controlled() *v1alpha1.NodeIsolationSpec {
	return &v1alpha1.NodeIsolationSpec{
		Partitions: []v1alpha1.NodePartition{
			{Name: "lc", Role: v1alpha1.RoleLatency, Caches: []v1alpha1.CacheWays{{Cache: "L3", Ways: new(int32(4))}}},
			{Name: "be", Role: v1alpha1.RoleBatch, Caches: []v1alpha1.CacheWays{{Cache: "L3", Ways: new(int32(6))}}},
		},
		Control: &v1alpha1.LocalControl{Mode: v1alpha1.ControlAct},
	}
}

// Throttled is what the loop gives to batch by a spec: three ways and 20 % of the bandwidth.
func Throttled(s *v1alpha1.NodeIsolationSpec) *loop.Outcome {
	return &loop.Outcome{Spec: s, Acts: true, Batch: "be", Setting: control.Setting{BatchWays: 3, BatchBandwidth: 20}}
}

// BatchHas reads how many ways and which bandwidth batch's group has in domain 0.
func BatchHas(t *testing.T, root string) (ways int, bandwidth string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "ballast-be/schemata"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		value, _, _ := strings.Cut(strings.TrimPrefix(rest, "0="), ";")
		if name == "MB" {
			bandwidth = value
			continue
		}
		mask, err := strconv.ParseUint(value, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		ways = bits.OnesCount64(mask)
	}
	return ways, bandwidth
}
