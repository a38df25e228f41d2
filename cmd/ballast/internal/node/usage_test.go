package node

import (
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// twice are two copies of a tree, a second apart: the default group moves 20, lc 15, and its monitor group pod 5 bytes.
func twice(t *testing.T) (before, after string) {
	t.Helper()
	before, after = nodeTree(t, "100"), nodeTree(t, "120")
	for root, counts := range map[string][2]string{before: {"500", "40"}, after: {"515", "45"}} {
		put(t, root, map[string]string{
			"lc/mon_data/mon_L3_00/mbm_total_bytes": counts[0] + "\n", "lc/mon_groups/pod/mon_data/mon_L3_00/mbm_total_bytes": counts[1] + "\n",
		})
	}
	return before, after
}

// TestUsageReadsCountersOnly: what else of a tree cannot be read or understood is no matter; a counter that cannot is a row of its own, as
// one is that went back. The counter of lc, which was read twice and went forward, is shown also where its monitor group left or could not be
// read, and a sentence says that it is off.
func TestUsageReadsCountersOnly(t *testing.T) {
	const head, all = "group,domain,total_bytes_per_s,local_bytes_per_s\n", ",0,20,missing\nlc,0,15,missing\nlc/mon_groups/pod,0,5,missing\n"
	const off = "the rates of group lc in domain 0 are off"
	lost := strings.Replace(all, "pod,0,5", "pod,0,missing", 1)
	for name, c := range map[string]struct {
		files  map[string]string // of the later tree
		away   []string
		want   string
		stderr string // in standard error; empty: nothing is there
	}{
		"as they are":        {want: all},
		"no tasks":           {away: []string{"tasks"}, want: all},
		"no info":            {away: []string{"info"}, want: all},
		"strange tasks":      {files: map[string]string{"tasks": "one\n"}, want: all},
		"strange schemata":   {files: map[string]string{"schemata": "L3 0\n"}, want: all},
		"pod left":           {away: []string{"lc/mon_groups/pod"}, want: lost, stderr: off},
		"pod is unavailable": {files: map[string]string{"lc/mon_groups/pod/mon_data/mon_L3_00/mbm_total_bytes": "Unavailable\n"}, want: lost, stderr: off},
		"lc went back": {
			files: map[string]string{"lc/mon_data/mon_L3_00/mbm_total_bytes": "499\n"}, want: strings.Replace(all, "lc,0,15", "lc,0,missing", 1),
		},
		"no counters of lc": {away: []string{"lc/mon_data"}, want: strings.Replace(all, "lc,0,15", "lc,0,missing", 1)},
		"a file for lc's counters": {
			away: []string{"lc/mon_data"}, files: map[string]string{"lc/mon_data": "x"}, want: strings.Replace(all, "lc,0,15", "lc,0,missing", 1),
			stderr: "lc/mon_data",
		},
		"a file for lc's monitor groups": {
			away: []string{"lc/mon_groups"}, files: map[string]string{"lc/mon_groups": "x"}, want: lost, stderr: "lc/mon_groups",
		},
	} {
		before, after := twice(t)
		drop(t, after, c.away...)
		put(t, after, c.files)
		code, stdout, stderr := call(t, "node", "usage", "-o", "csv", "--before", before, "--after", after)
		if code != cli.ExitDone || stdout != head+c.want || !strings.Contains(stderr, c.stderr) || c.stderr == "" && stderr != "" {
			t.Errorf("%s: exit code %d, got\n%swant\n%s\nstandard error: %q, want %q", name, code, stdout, head+c.want, stderr, c.stderr)
		}
	}
}

// TestUsageOfAGroupThatCannotBeListed at either time has rows, in the domains of the others.
func TestUsageOfAGroupThatCannotBeListed(t *testing.T) {
	before, after := twice(t)
	for _, root := range []string{before, after} {
		put(t, root, map[string]string{"be/mon_data": "no folder\n"})
	}
	code, stdout, stderr := call(t, "node", "usage", "-o", "csv", "--before", before, "--after", after)
	if code != cli.ExitDone || !strings.Contains(stdout, "\nbe,0,missing,missing\nlc,0,15,missing\n") || strings.Count(stderr, "be/mon_data") != 2 {
		t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
	}
}

// TestUsageWithoutCounters is a negative result: of a machine that does not count, and of a folder that is no tree.
func TestUsageWithoutCounters(t *testing.T) {
	before, after := twice(t)
	drop(t, before, "mon_data", "lc")
	for root, want := range map[string]string{before: "counts neither", t.TempDir(): "not a resctrl tree", "/nowhere": "/nowhere"} {
		if code, _, stderr := call(t, "node", "usage", "--before", root, "--after", after); code != cli.ExitNegative || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, want %d and %q: %s", root, code, cli.ExitNegative, want, stderr)
		}
	}
}
