package place

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
)

// ballast runs one command line and returns what it printed.
func ballast(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return clitest.Run(t, []*cobra.Command{Command()}, args...)
}

// placed reads the csv output of `ballast place` as counts by node, and checks the numbering.
func placed(t *testing.T, out, header string) [][]int {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], ","); got != header {
		t.Fatalf("header is %s, want %s", got, header)
	}
	var nodes [][]int
	for i, row := range rows[1:] {
		if row[0] != strconv.Itoa(i) {
			t.Errorf("node %d is numbered %s", i, row[0])
		}
		var counts []int
		for _, cell := range row[1:] {
			n, err := strconv.Atoi(cell)
			if err != nil {
				t.Fatal(err)
			}
			counts = append(counts, n)
		}
		nodes = append(nodes, counts)
	}
	return nodes
}

// total is the containers by class over all nodes, and the most on one node.
func total(nodes [][]int) (sums []int, most int) {
	sums = make([]int, len(nodes[0]))
	for _, counts := range nodes {
		for i, n := range counts {
			sums[i] += n
		}
		most = max(most, sumOf(counts))
	}
	return sums, most
}

func TestPlaceEveryContainerOnANode(t *testing.T) {
	t.Parallel()
	model := clitest.Model(t)
	batch := clitest.WriteTemp(t, "batch.csv", "batch,n_b,n_a\n0,1,1\n1,5,7\n")
	for _, args := range [][]string{
		{"--mode", "batch"},
		{"--mode", "online"},
		{"--mode", "online", "--order", "shuffled", "--seed", "7"},
	} {
		args = append([]string{"place", "--model", model, "--batch", batch, "--row", "1", "--nodes", "5", "--slots", "4", "-o", "csv"}, args...)
		code, out, stderr := ballast(t, args...)
		if code != cli.ExitDone {
			t.Fatalf("%v: exit %d, %s", args, code, stderr)
		}
		nodes := placed(t, out, "node,n_b,n_a")
		if sums, most := total(nodes); len(nodes) != 5 || !slices.Equal(sums, []int{5, 7}) || most > 4 {
			t.Errorf("%v: %d nodes hold %v, at most %d on one; want 5, [5 7], 4", args, len(nodes), sums, most)
		}
		for _, want := range []string{"12 containers on 5 nodes: predicted mean performance 0.", "bound under the model: 0.", "wall time of the decision: "} {
			if !strings.Contains(stderr, want) {
				t.Errorf("%v: summary lacks %q:\n%s", args, want, stderr)
			}
		}
		if _, again, _ := ballast(t, args...); again != out {
			t.Errorf("%v: the same command placed differently", args)
		}
	}
}

// Four containers on four nodes: each is alone, so that the mean performance is 1 and nothing can be better.
func TestPlaceWhatIsOptimal(t *testing.T) {
	t.Parallel()
	batch := clitest.WriteTemp(t, "batch.csv", "n_a,n_b\n2,2\n")
	code, out, stderr := ballast(t, "place", "--model", clitest.Model(t), "--batch", batch, "--nodes", "4", "-o", "json")
	var p placement
	if err := json.Unmarshal([]byte(out), &p); err != nil || code != cli.ExitDone {
		t.Fatalf("exit %d, %v, %s", code, err, stderr)
	}
	for node, counts := range p.Nodes {
		if sumOf(counts) != 1 {
			t.Errorf("node %d holds %v, want one container", node, counts)
		}
	}
	if s := p.Summary; s.Bound == nil || s.Mean < 0.98 || s.Mean > 1.02 || !s.Proven || *s.Gap > optimal || s.Placed != 4 {
		t.Errorf("summary is %s", out)
	}
	if !strings.Contains(stderr, "reached: the placement is proved optimal by this model") {
		t.Errorf("summary is %q", stderr)
	}
	_, out, _ = ballast(t, "place", "--model", clitest.Model(t), "--batch", batch, "--nodes", "5")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 6 || strings.Join(strings.Fields(lines[0]), " ") != "node a b" {
		t.Errorf("table is\n%s", out)
	}
}

// Ten containers, two nodes of four: eight are placed, and the answer is no.
func TestPlaceMoreThanFits(t *testing.T) {
	t.Parallel()
	model := clitest.Model(t)
	batch := clitest.WriteTemp(t, "batch.csv", "n_a,n_b\n10,0\n")
	for _, mode := range []string{"batch", "online"} {
		code, out, stderr := ballast(t, "place", "--model", model, "--batch", batch, "--nodes", "2", "--slots", "4", "--mode", mode, "-o", "csv")
		if code != cli.ExitNegative || !strings.Contains(stderr, "2 of 10 containers do not fit on 2 nodes of 4 slots: 2 a; the others are placed") {
			t.Errorf("%s: exit %d, %q", mode, code, stderr)
		}
		if sums, most := total(placed(t, out, "node,n_a,n_b")); sums[0] != 8 || most != 4 {
			t.Errorf("%s: %v are placed, want 8 of a", mode, sums)
		}
	}
}

func TestPlaceWrongUseAndBadInput(t *testing.T) {
	t.Parallel()
	model := clitest.Model(t)
	good := clitest.WriteTemp(t, "good.csv", "n_a,n_b\n2,2\n")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no nodes":      {[]string{"--batch", good}, cli.ExitUsage, "--nodes is required"},
		"zero nodes":    {[]string{"--batch", good, "--nodes", "0"}, cli.ExitUsage, "--nodes is 0, expected 1 to"},
		"zero slots":    {[]string{"--batch", good, "--nodes", "2", "--slots", "0"}, cli.ExitUsage, "--slots is 0, expected 1 to"},
		"row too large": {[]string{"--batch", good, "--nodes", "2", "--row", "1"}, cli.ExitUsage, "has 1 rows, counted from 0"},
		"negative row":  {[]string{"--batch", good, "--nodes", "2", "--row", "-1"}, cli.ExitUsage, "--row is -1"},
		"unknown mode":  {[]string{"--batch", good, "--nodes", "2", "--mode", "both"}, cli.ExitUsage, `--mode is "both", expected batch or online`},
		"unknown order": {[]string{"--batch", good, "--nodes", "2", "--order", "sorted"}, cli.ExitUsage, `--order is "sorted", expected given or shuffled`},
		"unknown class": {[]string{"--batch", clitest.WriteTemp(t, "c.csv", "n_a,n_c\n1,1\n"), "--nodes", "2"}, cli.ExitFailed, `column n_c: the model has no class "c"; it knows a, b`},
		"no class":      {[]string{"--batch", clitest.WriteTemp(t, "n.csv", "a,b\n1,1\n"), "--nodes", "2"}, cli.ExitFailed, "no column n_<class>"},
		"class twice":   {[]string{"--batch", clitest.WriteTemp(t, "t.csv", "n_a,n_a\n1,1\n"), "--nodes", "2"}, cli.ExitFailed, "each class once"},
		"half a pod":    {[]string{"--batch", clitest.WriteTemp(t, "h.csv", "n_a\n1.5\n"), "--nodes", "2"}, cli.ExitFailed, `h.csv:2: column n_a: "1.5" is not a number of containers`},
		"empty file":    {[]string{"--batch", clitest.WriteTemp(t, "e.csv", ""), "--nodes", "2"}, cli.ExitFailed, "expected CSV with columns n_<class>"},
	} {
		code, out, stderr := ballast(t, append([]string{"place", "--model", model}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) || out != "" {
			t.Errorf("%s: exit %d and %q, want %d and %q", name, code, stderr, c.code, c.want)
		}
	}
}
