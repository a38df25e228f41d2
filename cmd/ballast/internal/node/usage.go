package node

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

func newUsageCommand() *cobra.Command {
	var root, before, after string
	var interval time.Duration
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "usage",
		Short: "Who fills how much cache and moves how much memory: occupancy and bandwidth of each group",
		Long: `Show the cache occupancy and memory bandwidth of each control and monitor group in each cache domain: of a
live machine over an interval, or from two copies of a tree that were taken so far apart. What the machine
could not say is missing, and never 0. As csv: rates only, and the default group without a name.

A rate is missing where its counter could not be read at both times, or went back. The counter of a control group
contains those of its monitor groups: where one of these left, came from another group, or could be read only once, the
rate is shown all the same, and a sentence on standard error says that it is off. ballast-node is stricter, and reports
no rate there.`,
		Example: `  ballast node usage --interval 5s
  ballast node usage --before first/ --after second/ --interval 1s -o csv`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if interval <= 0 {
				return cli.Usage("--interval %s must be more than 0", interval)
			}
			if (before == "") != (after == "") {
				return cli.Usage("--before and --after belong together")
			}
			first, second, err := twoReadings(cmd.Context(), root, before, after, interval)
			if err != nil {
				return err
			}
			rows, doubts := usageRows(first.counters, second.counters, interval)
			notes := slices.Concat(first.unread, second.unread, doubts)
			slices.Sort(notes)
			for _, n := range slices.Compact(notes) { // a live tree says the same twice
				cmd.PrintErrln(escaped(n))
			}
			return printUsage(cmd.OutOrStdout(), output, rows)
		},
	}
	cmd.Flags().StringVar(&root, "root", defaultTree, "live resctrl tree")
	cmd.Flags().StringVar(&before, "before", "", "copy of a tree, instead of a live one")
	cmd.Flags().StringVar(&after, "after", "", "copy of the same tree, taken later")
	cmd.Flags().DurationVar(&interval, "interval", time.Second, "time between the two readings")
	output.Register(cmd, "table", "csv", "json")
	return cmd
}

// counted is what the counters of a tree say. Nothing else of the tree is read.
type counted struct {
	counters []resctrl.Counters
	unread   []string // what could not be listed, one sentence each
	live     bool     // not a copy
}

// twoReadings reads the counters of two copies, or twice those of a live tree.
func twoReadings(ctx context.Context, root, before, after string, interval time.Duration) (first, second counted, err error) {
	if before != "" {
		if first, err = treeCounters(before); err != nil {
			return counted{}, counted{}, err
		}
		second, err = treeCounters(after)
		return first, second, err
	}
	first, err = treeCounters(root)
	if err != nil {
		return counted{}, counted{}, err
	}
	if !first.live { // nothing would have moved, which is not what the machine did
		return counted{}, counted{}, cli.Usage("%s is a copy, and a copy does not change: give --before and --after", root)
	}
	select {
	case <-ctx.Done():
		return counted{}, counted{}, ctx.Err()
	case <-time.After(interval):
	}
	second, err = treeCounters(root)
	return first, second, err
}

// treeCounters reads the counters of one tree. A tree without any is a negative result.
func treeCounters(root string) (out counted, err error) {
	tree, err := openTree(root)
	if err != nil {
		return counted{}, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	counters, unread, err := resctrl.ReadableCounters(tree)
	if err != nil {
		return counted{}, fmt.Errorf("%s: %w", root, err)
	}
	if len(counters) == 0 {
		if _, err := resctrl.Read(tree); errors.Is(err, resctrl.ErrNotResctrl) {
			return counted{}, cli.Negative("%s: %w%s", root, err, thisMachine(root))
		}
		return counted{}, cli.Negative("%s: this machine counts neither occupancy nor bandwidth (no mon_data)", root)
	}
	out = counted{counters: counters, live: tree.Live()}
	for _, u := range unread {
		out.unread = append(out.unread, fmt.Sprintf("not read in %s: %v", root, u))
	}
	return out, nil
}

// usageRow is what one group uses of one cache domain; nil where it could not be read.
type usageRow struct {
	Group               string   `json:"group"`
	Domain              int      `json:"domain"`
	OccupancyBytes      *uint64  `json:"occupancyBytes"`
	TotalBytesPerSecond *float64 `json:"totalBytesPerSecond"`
	LocalBytesPerSecond *float64 `json:"localBytesPerSecond"`
}

// usageRows join the rates of the counters with the later occupancy, by group and domain. doubts are sentences on rates that are off.
func usageRows(before, after []resctrl.Counters, interval time.Duration) (rows []usageRow, doubts []string) {
	occupancy := map[string]map[int]*uint64{}
	for _, c := range after {
		if occupancy[c.Group] == nil {
			occupancy[c.Group] = map[int]*uint64{}
		}
		if c.Occupancy.State == resctrl.Valid {
			occupancy[c.Group][c.Domain] = new(c.Occupancy.Value)
		}
	}
	alike := resctrl.Rates(before, after, interval)
	doubtful := map[string][]int{}
	for i, r := range resctrl.CounterRates(before, after, interval) {
		rows = append(rows, usageRow{
			Group: r.Group, Domain: r.Domain, OccupancyBytes: occupancy[r.Group][r.Domain], TotalBytesPerSecond: r.Total, LocalBytesPerSecond: r.Local,
		})
		if (r.Total == nil) != (alike[i].Total == nil) || (r.Local == nil) != (alike[i].Local == nil) {
			doubtful[r.Group] = append(doubtful[r.Group], r.Domain)
		}
	}
	slices.SortStableFunc(rows, func(a, b usageRow) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), cmp.Compare(a.Domain, b.Domain))
	})
	for _, group := range slices.Sorted(maps.Keys(doubtful)) {
		slices.Sort(doubtful[group])
		doubts = append(doubts, fmt.Sprintf("the rates of group %s in domain %s are off: its counters are not of the same monitor groups at both times",
			shown(group), schemata.Ranges(doubtful[group])))
	}
	return rows, doubts
}

// missing is what csv says of a rate that is not known: a counter could not be read, or went back.
const missing = "missing"

// printUsage writes rows as csv, json or an aligned table. In csv, which is for scripts, the default group has no name, and there are rates only.
func printUsage(w io.Writer, format cli.Format, rows []usageRow) error {
	switch format.String() {
	case "json":
		for i := range rows {
			rows[i].Group = encodable(rows[i].Group)
		}
		return cli.JSON(w, rows)
	case "csv":
		out := csv.NewWriter(w)
		records := [][]string{{"group", "domain", "total_bytes_per_s", "local_bytes_per_s"}}
		for _, r := range rows {
			group := encodable(r.Group)
			if group == schemata.DefaultGroup {
				group = ""
			}
			records = append(records, []string{
				group, strconv.Itoa(r.Domain),
				scaled(r.TotalBytesPerSecond, 1, 0, missing), scaled(r.LocalBytesPerSecond, 1, 0, missing),
			})
		}
		return out.WriteAll(records)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "group\tdomain\toccupancy MiB\ttotal MB/s\tlocal MB/s\t")
	for _, r := range rows {
		occupancy := "-"
		if r.OccupancyBytes != nil {
			occupancy = fmt.Sprintf("%.2f", float64(*r.OccupancyBytes)/(1<<20))
		}
		fmt.Fprintf(tw, "%s\t%d\t%s\t%s\t%s\t\n", shown(r.Group), r.Domain, occupancy,
			scaled(r.TotalBytesPerSecond, 1e6, 1, "-"), scaled(r.LocalBytesPerSecond, 1e6, 1, "-"))
	}
	return tw.Flush()
}

// scaled is a number in a unit, or what stands for none.
func scaled(x *float64, unit float64, decimals int, none string) string {
	if x == nil {
		return none
	}
	return strconv.FormatFloat(*x/unit, 'f', decimals, 64)
}
