package node

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// nodeTree is a copy of the tree of a machine with one cache of 11 ways, bandwidth in percent, 4 classes, and a group of somebody else.
func nodeTree(t *testing.T, traffic string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"info/last_cmd_status": "ok\n", "info/L3/cbm_mask": "7ff\n", "info/L3/min_cbm_bits": "1\n", "info/L3/shareable_bits": "600\n",
		"info/L3/num_closids": "4\n", "info/MB/min_bandwidth": "10\n", "info/MB/bandwidth_gran": "10\n", "info/MB/delay_linear": "1\n",
		"info/MB/num_closids": "4\n", "info/L3_MON/num_rmids": "144\n", "info/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\n",
		"schemata": "MB:0=100\nL3:0=7ff\n", "size": "MB:0=100\nL3:0=11534336\n", "tasks": "1\n", "mode": "shareable\n",
		"cpus": "f\n", "cpus_list": "0-3\n", "mon_data/mon_L3_00/llc_occupancy": "2097152\n", "mon_data/mon_L3_00/mbm_total_bytes": traffic + "\n",
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

func TestNodeCommands(t *testing.T) {
	root, later := nodeTree(t, "5000000"), nodeTree(t, "25000000")
	isolation := filepath.Join(t.TempDir(), "wish.yaml")
	write := func(ways string) {
		text := "apiVersion: ballast.dev/v1alpha1\nkind: NodeIsolation\nmetadata: {name: a}\nspec:\n  partitions:\n  - {name: lc, caches: [{cache: L3, ways: " + ways + "}]}\n"
		if err := os.WriteFile(isolation, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	group := filepath.Join(root, "ballast-lc")
	for _, c := range []struct {
		line string
		ways string
		code int
		want string // in standard output, or standard error where the code is not 0
	}{
		{"node inspect --root " + root, "4", cli.ExitDone, "11 ways, at least 1 for each group, devices use ways 9-10, 1.00 MiB each"},
		{"node inspect --root " + root + " -o json", "4", cli.ExitDone, `"rmids": 144`},
		{"node inspect --root " + t.TempDir(), "4", cli.ExitNegative, "not a resctrl tree"},
		{"node inspect --root /nowhere", "4", cli.ExitNegative, "/nowhere"},
		{"node plan --root " + root, "4", cli.ExitUsage, "--isolation is required"},
		{"node plan --root " + root + " --isolation " + isolation, "12", cli.ExitNegative, "11"},
		{"node plan --root " + root + " --isolation " + isolation, "x", cli.ExitFailed, `spec.partitions[0].caches[0].ways: Invalid value: "string"`},
		{"node plan --root " + root + " --isolation " + isolation, "4", cli.ExitDone, "write  ballast-lc: L3:0=f\n"},
		{"node plan --root " + root + " --isolation ../../../../manifests/examples/nodeisolation.yaml", "4", cli.ExitDone, "create ballast-batch"},
		{"node plan --root " + root + " --isolation ../../../../manifests/examples/nodeisolation-control.yaml", "4", cli.ExitDone, "create ballast-be"},
		{"node restore --root " + root, "4", cli.ExitDone, "Nothing to do."}, // the plan before was not carried out
		{"node plan --root " + root + " --apply --isolation " + isolation, "4", cli.ExitDone, "create ballast-lc"},
		{"node restore --dry-run --root " + root, "4", cli.ExitDone, "remove ballast-lc"},
		{"node plan --root " + root + " --isolation " + isolation, "4", cli.ExitDone, "Nothing to do."}, // nor was the restoration
		{"node restore --root " + root, "4", cli.ExitDone, "remove ballast-lc"},
		// 20,000,000 bytes in 2 s.
		{"node usage --interval 2s -o csv --before " + root + " --after " + later, "4", cli.ExitDone, "group,domain,total_bytes_per_s,local_bytes_per_s\n,0,10000000,missing\n"},
		{"node usage --interval 2s --before " + root + " --after " + later, "4", cli.ExitDone, "2.00        10.0           -"},
		{"node usage --interval 2s -o json --before " + root + " --after " + later, "4", cli.ExitDone, `"localBytesPerSecond": null`},
		{"node usage --interval 0s --before " + root + " --after " + later, "4", cli.ExitUsage, "more than 0"},
		{"node usage --before " + root, "4", cli.ExitUsage, "belong together"},
		{"node usage --root " + root, "4", cli.ExitUsage, "a copy does not change: give --before and --after"},
	} {
		write(c.ways)
		var stdout, stderr bytes.Buffer
		code := cli.Run(t.Context(), cli.Root(Command()), strings.Fields(c.line), &stdout, &stderr)
		text := stdout.String()
		if c.code != cli.ExitDone {
			text = stderr.String()
		}
		if code != c.code || !strings.Contains(text, c.want) {
			t.Errorf("%s: exit code %d, want %d and %q in:\n%s%s", c.line, code, c.code, c.want, stdout.String(), stderr.String())
		}
	}
	if _, err := os.Stat(group); err == nil {
		t.Error("ballast-lc is still there")
	}
}

// TestNodeSaysNothingOfThisMachine: why a copy is refused has nothing to do with the machine that the command runs on.
func TestNodeSaysNothingOfThisMachine(t *testing.T) {
	for _, root := range []string{t.TempDir(), "/nowhere"} {
		var stdout, stderr bytes.Buffer
		if code := cli.Run(t.Context(), cli.Root(Command()), []string{"node", "inspect", "--root", root}, &stdout, &stderr); code != cli.ExitNegative {
			t.Errorf("%s: exit code %d, want %d", root, code, cli.ExitNegative)
		}
		if text := stdout.String() + stderr.String(); strings.Contains(text, "This machine") || strings.Contains(text, "kernel has") {
			t.Errorf("%s: %s", root, text)
		}
	}
	if text := thisMachine(defaultTree + "/"); !strings.HasPrefix(text, ". This machine: ") {
		t.Errorf("of %s it says %q", defaultTree, text)
	}
}
