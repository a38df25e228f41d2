package node

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		{"node inspect --root " + root + " -o json", "4", cli.ExitDone, `"RMIDs": 144`},
		{"node inspect --root " + t.TempDir(), "4", cli.ExitNegative, "not a resctrl tree"},
		{"node inspect --root /nowhere", "4", cli.ExitNegative, "/nowhere"},
		{"node plan --root " + root, "4", cli.ExitUsage, "--isolation is required"},
		{"node plan --root " + root + " --isolation " + isolation, "12", cli.ExitNegative, "11"},
		{"node plan --root " + root + " --isolation " + isolation, "x", cli.ExitFailed, "a NodeIsolation object is expected"},
		{"node plan --root " + root + " --isolation " + isolation, "4", cli.ExitDone, "write  ballast-lc: L3:0=f\n"},
		{"node plan --root " + root + " --isolation ../../../../manifests/examples/nodeisolation.yaml", "4", cli.ExitDone, "create ballast-batch"},
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

// TestNodePlanAsJSON plans on 4 classes from a group that goes with 2 threads to one that is wanted at 25 %, which is kept as 20 %.
func TestNodePlanAsJSON(t *testing.T) {
	root := nodeTree(t, "0")
	for name, text := range map[string]string{
		"ballast-old/schemata": "MB:0=100\nL3:0=7ff\n", "ballast-old/tasks": "7\n8\n", "ballast-old/mode": "shareable\n",
		"ballast-old/cpus": "0\n", "ballast-old/size": "MB:0=100\nL3:0=11534336\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wish := filepath.Join(t.TempDir(), "wish.json")
	const text = `{"apiVersion": "ballast.dev/v1alpha1", "kind": "NodeIsolation",
		"spec": {"partitions": [{"name": "be", "caches": [{"cache": "L3", "ways": 2}], "bandwidth": [{"percent": 25}]}]}}`
	if err := os.WriteFile(wish, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]planDocument{
		"node plan --move-tasks -o json --isolation " + wish: {
			Operations: []planOperation{
				{Action: "move", Group: "ballast-old", To: ".", Threads: 2},
				{Action: "remove", Group: "ballast-old"},
				{Action: "create", Group: "ballast-be"},
				{Action: "write", Group: "ballast-be", Schemata: []string{"MB:0=20", "L3:0=3"}},
			},
			Classes: 4, ClassesInUse: 2,
			Notes: []string{
				"the default group may use ways of ballast-be: L3 of domain 0 ways 0-1.",
				"ballast-be is limited to 20 % instead of 25 %: MB of domain 0 goes in steps of 10 %, from 10 %.",
			},
		},
		"node restore --dry-run -o json": {
			Operations: []planOperation{}, Classes: 4, ClassesInUse: 2,
			Notes: []string{"ballast-old is no longer wanted but holds threads: it stays as it is."},
		},
	} {
		var stdout, stderr bytes.Buffer
		if code := cli.Run(t.Context(), cli.Root(Command()), append(strings.Fields(line), "--root", root), &stdout, &stderr); code != cli.ExitDone {
			t.Errorf("%s: exit code %d: %s", line, code, &stderr)
			continue
		}
		var got planDocument
		decoder := json.NewDecoder(&stdout)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		for i := range got.Operations {
			slices.Sort(got.Operations[i].Schemata)
		}
		for i := range want.Operations {
			slices.Sort(want.Operations[i].Schemata)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", line, diff)
		}
	}
}

// TestNodeInspectNothingToDivide: a machine that only counts. It is a negative result, like no resctrl, after all that there is to show.
func TestNodeInspectNothingToDivide(t *testing.T) {
	root := nodeTree(t, "0")
	for _, name := range []string{"info/L3", "info/MB"} {
		if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"schemata", "size"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range []string{"table", "json"} {
		var stdout, stderr bytes.Buffer
		code := cli.Run(t.Context(), cli.Root(Command()), []string{"node", "inspect", "--root", root, "-o", format}, &stdout, &stderr)
		if code != cli.ExitNegative || !strings.Contains(stderr.String(), "nothing to divide") || !strings.Contains(stdout.String(), "144") {
			t.Errorf("%s: exit code %d, want %d, and the 144 groups that it counts apart:\n%s%s", format, code, cli.ExitNegative, stdout.String(), stderr.String())
		}
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

func TestDecodeIsolation(t *testing.T) {
	const head = "apiVersion: ballast.dev/v1alpha1\nkind: NodeIsolation\nmetadata: {name: a, novel: 1}\n"
	const wish = "spec:\n  partitions:\n  - {name: lc, caches: [{cache: L3, ways: 4}]}\n"
	for _, c := range []struct{ name, text, want string }{ // want: in the error; empty: the wish
		{"object", head + wish, ""},
		{"JSON", `{"apiVersion": "ballast.dev/v1alpha1", "kind": "NodeIsolation", "spec": {"partitions": [{"name": "lc"}]}}`, ""},
		{"comments around it", "# first\n---\n" + head + wish + "---\n# last\n", ""},
		{"status of a newer version", head + wish + "status: {novel: [1], partitions: 3}\n", ""},
		{"second object", head + wish + "---\n" + head + wish, "more than one document"},
		{"second of another kind", head + wish + "---\nkind: ConfigMap\n", "more than one document"},
		{"misspelt in the spec", head + strings.Replace(wish, "ways", "wayz", 1), `spec: error unmarshaling JSON: while decoding JSON: json: unknown field "wayz"`},
		{"misspelt spec", head + strings.Replace(wish, "spec", "specs", 1), `unknown field "specs"`},
		{"twice", head + wish + wish, `"spec" already set`},
		{"other kind", "apiVersion: v1\nkind: ConfigMap\n", `kind "ConfigMap" of "v1", want NodeIsolation`},
		{"nothing", "# nothing\n", `kind "" of ""`},
		{"not YAML", "a: [", "a NodeIsolation object is expected"},
	} {
		spec, err := decodeIsolation([]byte(c.text))
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want one that says %q", c.name, err, c.want)
			}
		case err != nil || len(spec.Partitions) != 1 || spec.Partitions[0].Name != "lc":
			t.Errorf("%s: %+v, %v, want partition lc", c.name, spec, err)
		}
	}
	if spec, err := decodeIsolation([]byte(head)); err != nil || len(spec.Partitions) != 0 {
		t.Errorf("without a spec: %+v, %v, want no partitions", spec, err)
	}
}
