package node

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// drop takes files and folders of a tree away.
func drop(t *testing.T, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// call runs a command of the tool.
func call(t *testing.T, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = cli.Run(t.Context(), cli.Root(Command()), arguments, &out, &err)
	return code, out.String(), err.String()
}

// TestInspectAsJSON: masks as the kernel writes them, units in words, and nothing where nothing is known: the threads, values and monitor
// groups of other, of which only the mode could be read, the size of a way without the file size, the mode of ballast-lc.
func TestInspectAsJSON(t *testing.T) {
	divided := nodeTree(t, "0")
	put(t, divided, map[string]string{
		"ballast-lc/tasks": "7\n8\n", "ballast-lc/schemata": "MB:0=50\nL3:0=f\n", "ballast-lc/cpus_list": "\n", "ballast-lc/mon_groups/pod/tasks": "7\n",
		"other/mode": "pseudo-locked\n", "other/mon_groups": "no folder\n", "other/schemata": "L3 0=600\n",
	})
	amd := nodeTree(t, "0")
	put(t, amd, map[string]string{
		"schemata": "MB:0=2048\nL3:0=ffff\n", "info/L3/cbm_mask": "ffff\n", "info/L3/min_cbm_bits": "0\n", "info/L3/shareable_bits": "0\n",
		"info/L3/sparse_masks": "1\n", "info/MB/min_bandwidth": "0\n", "info/MB/delay_linear": "0\n", "info/MB/bandwidth_gran": "1\n",
	})
	drop(t, amd, "size", "info/L3_MON", "mon_data")
	for name, root := range map[string]string{"inspect": divided, "inspect-amd": amd} {
		want, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := call(t, "node", "inspect", "-o", "json", "--root", root)
		if diff := cmp.Diff(string(want), stdout); code != cli.ExitDone || diff != "" {
			t.Errorf("%s: exit code %d, -want +got:\n%s%s", name, code, diff, stderr)
		}
	}
}

// TestInspectOfAMachineThatOnlyCounts is done where something is counted, and negative only where nothing is either.
func TestInspectOfAMachineThatOnlyCounts(t *testing.T) {
	root := nodeTree(t, "0")
	drop(t, root, "info/L3", "info/MB", "schemata")
	for _, format := range []string{"table", "json"} {
		if code, stdout, stderr := call(t, "node", "inspect", "-o", format, "--root", root); code != cli.ExitDone || !strings.Contains(stdout, "144") {
			t.Errorf("%s: exit code %d, want %d, and the 144 groups that it counts apart:\n%s%s", format, code, cli.ExitDone, stdout, stderr)
		}
	}
	put(t, root, map[string]string{"info/L3_MON/num_rmids": "many\n"})
	if code, _, stderr := call(t, "node", "inspect", "--root", root); code != cli.ExitNegative || !strings.Contains(stderr, "nothing to divide or to count") {
		t.Errorf("exit code %d, want %d: %s", code, cli.ExitNegative, stderr)
	}
}

// TestInspectCountsGroupsThatCannotBeRead: each group takes a class, whatever can be read of it. What is not known is a dash.
func TestInspectCountsGroupsThatCannotBeRead(t *testing.T) {
	root := nodeTree(t, "0")
	put(t, root, map[string]string{"be/tasks": "5\r\n6\r\n", "be/mode": "shareable\n", "be/cpus_list": "\n", "empty/mode": "shareable\n"})
	code, stdout, stderr := call(t, "node", "inspect", "--root", root)
	for _, want := range []string{
		"4 classes apart, of which 3 are in use", "\nbe         2        \n", "\nempty      -        \n", "Not read: be/schemata: absent",
		"Not read: empty/tasks: absent",
	} {
		if code != cli.ExitDone || !strings.Contains(stdout, want) {
			t.Errorf("exit code %d, want %q in:\n%s%s", code, want, stdout, stderr)
		}
	}
}

// TestNamesOfGroups: whoever may make a group chooses its name. A terminal is not to obey it, and csv and json are UTF-8.
func TestNamesOfGroups(t *testing.T) {
	for name, want := range map[string]string{
		"lc": "lc", "gruppe-ä": "gruppe-ä", "a\x1b[2Jb": `"a\x1b[2Jb"`, "a\xffb": `"a\xffb"`, `"a"`: `"\"a\""`, "a\tb": `"a\tb"`, "\u202ea": `"\u202ea"`,
	} {
		if got := shown(name); got != want {
			t.Errorf("%q is shown as %s, want %s", name, got, want)
		}
	}
	root := nodeTree(t, "0")
	for _, name := range []string{"a\x1b[2Jb", "a\xffb"} {
		put(t, root, map[string]string{name + "/mode": "shareable\n", name + "/mon_data/mon_L3_00/llc_occupancy": "7\n"})
	}
	for _, command := range []string{"inspect --root " + root, "usage --before " + root + " --after " + root} {
		formats := []string{"table", "json"}
		if strings.HasPrefix(command, "usage") {
			formats = append(formats, "csv")
		}
		for _, format := range formats {
			code, stdout, stderr := call(t, append([]string{"node"}, strings.Fields(command+" -o "+format)...)...)
			text := stdout + stderr
			if code != cli.ExitDone || !utf8.ValidString(text) || format != "csv" && strings.Contains(text, "\x1b") || !strings.Contains(text, `xff`) {
				t.Errorf("%s as %s: exit code %d: %q", command, format, code, text)
			}
		}
	}
}
