package directory

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// small is the tree of a machine with one cache of 11 ways in 2 domains, bandwidth in percent and 4 classes.
func small(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"info/last_cmd_status": "ok\n", "info/L3/cbm_mask": "7ff\n", "info/L3/min_cbm_bits": "1\n", "info/L3/shareable_bits": "600\n",
		"info/L3/num_closids": "4\n", "info/MB/min_bandwidth": "10\n", "info/MB/bandwidth_gran": "10\n", "info/MB/delay_linear": "1\n",
		"info/MB/num_closids": "4\n", "info/L3_MON/num_rmids": "144\n", "info/L3_MON/mon_features": "llc_occupancy\n",
		"schemata": "MB:0=100;1=100\nL3:0=7ff;1=7ff\n", "size": "MB:0=100;1=100\nL3:0=11534336;1=11534336\n",
		"tasks": "1\n2\n3\n", "mode": "shareable\n", "cpus": "ffffffff,ffffffff\n", "cpus_list": "0-63\n",
		"mon_data/mon_L3_00/llc_occupancy": "1\n", "mon_data/mon_L3_01/llc_occupancy": "2\n", "mon_groups/m/tasks": "3\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func open(t *testing.T, root string) *Tree {
	t.Helper()
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func read(t *testing.T, tree resctrl.Tree) resctrl.Inventory {
	t.Helper()
	all, err := resctrl.Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func content(t *testing.T, tree resctrl.Tree, file string) string {
	t.Helper()
	text, err := tree.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
