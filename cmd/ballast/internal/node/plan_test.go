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

// put writes files below a folder.
func put(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// oldGroup is a group that Ballast made, with two threads.
var oldGroup = map[string]string{
	"ballast-old/schemata": "MB:0=100\nL3:0=7ff\n", "ballast-old/tasks": "7\n8\n", "ballast-old/mode": "shareable\n",
	"ballast-old/cpus": "0\n", "ballast-old/size": "MB:0=100\nL3:0=11534336\n",
}

// run runs one command line on a tree.
func run(t *testing.T, root, line string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = cli.Run(t.Context(), cli.Root(Command()), append(strings.Fields(line), "--root", root), &out, &err)
	return code, out.String(), err.String()
}

// TestNodePlanAsJSON plans on 4 classes from a group that goes with 2 threads to one that is wanted at 25 %, which is kept as 20 %.
func TestNodePlanAsJSON(t *testing.T) {
	root := nodeTree(t, "0")
	put(t, root, oldGroup)
	wish := filepath.Join(t.TempDir(), "wish.json")
	const text = `{"apiVersion": "ballast.dev/v1alpha1", "kind": "NodeIsolation", "metadata": {"name": "a"},
		"spec": {"partitions": [{"name": "be", "caches": [{"cache": "L3", "ways": 2}], "bandwidth": [{"percent": 25}]}]}}`
	if err := os.WriteFile(wish, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]planDocument{ // of which the second brings about less than is asked for
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
		code, stdout, stderr := run(t, root, line)
		if less := len(want.Operations) == 0; code != cli.ExitDone && !less || code != cli.ExitNegative && less {
			t.Errorf("%s: exit code %d: %s", line, code, stderr)
			continue
		}
		var got planDocument
		decoder := json.NewDecoder(strings.NewReader(stdout))
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

// TestRestoreSaysWhatStays: a group with threads is not removed, which is not what was asked for. With --move-tasks nothing of ours is left.
func TestRestoreSaysWhatStays(t *testing.T) {
	root := nodeTree(t, "0")
	put(t, root, oldGroup)
	for _, line := range []string{"node restore --dry-run", "node restore"} {
		code, stdout, stderr := run(t, root, line)
		const want = "1 group stays, as it holds threads; --move-tasks moves them to the default group first"
		if code != cli.ExitNegative || !strings.HasPrefix(stdout, want) || !strings.Contains(stderr, root+" is not restored: "+want) {
			t.Errorf("%s: exit code %d:\n%s%s", line, code, stdout, stderr)
		}
		if strings.Contains(stdout, "Nothing to do") || !strings.Contains(stdout, "ballast-old") {
			t.Errorf("%s:\n%s", line, stdout)
		}
	}
	put(t, root, map[string]string{"ballast-new/schemata": "MB:0=100\nL3:0=7ff\n", "ballast-new/tasks": "", "ballast-new/mode": "shareable\n"})
	if code, stdout, _ := run(t, root, "node restore"); code != cli.ExitNegative || !strings.HasPrefix(stdout, "1 group stays") || !strings.Contains(stdout, "remove ballast-new") {
		t.Errorf("one of two can go: exit code %d:\n%s", code, stdout)
	}
	if code, stdout, stderr := run(t, root, "node restore --move-tasks"); code != cli.ExitDone || !strings.Contains(stdout, "move   2 threads") {
		t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
	}
	if code, stdout, _ := run(t, root, "node restore"); code != cli.ExitDone || !strings.HasPrefix(stdout, "Nothing to do.") {
		t.Errorf("when all are gone: exit code %d:\n%s", code, stdout)
	}
}

// TestPlanInTheOtherUnit: limits that the machine takes in another unit, by the peak that the object states. Half of 60000 MB/s is 30000 = 240 x 125;
// 15000 of 60000 MB/s is 25 %, in steps of 10 % down.
func TestPlanInTheOtherUnit(t *testing.T) {
	intel, amd := nodeTree(t, "0"), nodeTree(t, "0")
	put(t, amd, map[string]string{
		"info/MB/min_bandwidth": "0\n", "info/MB/bandwidth_gran": "1\n", "info/MB/delay_linear": "0\n",
		"schemata": "MB:0=2048\nL3:0=7ff\n", "size": "MB:0=2048\nL3:0=11534336\n",
	})
	wish := filepath.Join(t.TempDir(), "wish.yaml")
	for _, c := range []struct {
		root, limit, control string
		code                 int
		want                 string
	}{
		{amd, "percent: 50", "{peakMBps: 60000}", cli.ExitDone, "write  ballast-be: L3:0=f MB:0=240\n"},
		{amd, "percent: 50", "{}", cli.ExitNegative, "give MB/s, or what each domain delivers at most (spec.control.peakMBps)"},
		{amd, "mbps: 30000", "{}", cli.ExitDone, " MB:0=240\n"},
		{intel, "mbps: 15000", "{peakMBps: 60000}", cli.ExitDone, "write  ballast-be: L3:0=f MB:0=20\n"},
		{intel, "mbps: 15000", "{peakMBps: 60000}", cli.ExitDone, "Note: ballast-be is limited to 20 % instead of 15000 MB/s"},
		{intel, "mbps: 15000", "{}", cli.ExitNegative, "give percent, or what each domain delivers at most (spec.control.peakMBps)"},
		{intel, "percent: 50", "{peakMBps: 60000}", cli.ExitDone, " MB:0=50\n"},
	} {
		put(t, filepath.Dir(wish), map[string]string{
			"wish.yaml": head + "spec: {partitions: [{name: be, caches: [{cache: L3, ways: 4}], bandwidth: [{" + c.limit + "}]}], control: " + c.control + "}\n",
		})
		code, stdout, stderr := run(t, c.root, "node plan --isolation "+wish)
		if code != c.code || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%s of %s: exit code %d, want %d and %q in:\n%s%s", c.limit, c.control, code, c.code, c.want, stdout, stderr)
		}
	}
}

// TestPlanSeesWhatIsInTheWay of a group's folder, which carrying it out would stumble over.
func TestPlanSeesWhatIsInTheWay(t *testing.T) {
	wish := filepath.Join(t.TempDir(), "wish.yaml")
	put(t, filepath.Dir(wish), map[string]string{"wish.yaml": head + "spec: {partitions: [{name: lc}]}\n"})
	for name, block := range map[string]func(path string) error{
		"file": func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"link": func(path string) error { return os.Symlink("nowhere", path) },
	} {
		root := nodeTree(t, "0")
		path := filepath.Join(root, "ballast-lc")
		if err := block(path); err != nil {
			t.Fatal(err)
		}
		if code, stdout, stderr := run(t, root, "node plan --isolation "+wish); code != cli.ExitNegative || !strings.Contains(stderr, path+" is in the way") {
			t.Errorf("%s: exit code %d:\n%s%s", name, code, stdout, stderr)
		}
	}
}
