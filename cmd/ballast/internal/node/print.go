package node

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// printInventory shows what a machine can divide and how it is divided.
func printInventory(w io.Writer, format cli.Format, i resctrl.Inventory) error {
	if format.String() == "json" {
		return cli.JSON(w, i)
	}
	fmt.Fprintln(w, classesSentence(i))
	if m := i.Capacity.Monitoring; m != nil {
		fmt.Fprintf(w, "It counts for %d groups apart: %v.\n", m.RMIDs, m.Features)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nRESOURCE\tDOMAINS\tCAN BE DIVIDED")
	for _, r := range i.Capacity.Resources {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", r.Name, schemata.Ranges(r.Domains), divisible(r))
	}
	fmt.Fprintln(tw, "\nGROUP\tTHREADS\tVALUES")
	for _, g := range i.State.Groups {
		name, threads := g.Name, strconv.Itoa(g.Tasks)
		if name == schemata.DefaultGroup {
			name = "(default)"
		}
		for _, line := range i.Capacity.Describe(g.Schemata, nil) {
			fmt.Fprintf(tw, "%s\t%s\t%s\n", name, threads, line)
			name, threads = "", ""
		}
		if name != "" {
			fmt.Fprintf(tw, "%s\t%s\t\n", name, threads)
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, u := range i.Unread {
		fmt.Fprintf(w, "Not read: %s\n", u)
	}
	return nil
}

func classesSentence(i resctrl.Inventory) string {
	if len(i.Capacity.Resources) == 0 {
		return "This machine divides neither caches nor memory bandwidth."
	}
	return fmt.Sprintf("This machine tells %d classes apart, of which %d are in use.", i.Capacity.Classes(), len(i.State.Groups))
}

func divisible(r schemata.Resource) string {
	if b := r.Bandwidth; b != nil {
		return fmt.Sprintf("%s, from %d in steps of %d; %d is no limit", b.Unit, b.Min, b.Step, b.Max)
	}
	text := fmt.Sprintf("%d ways, at least %d for each group", r.Cache.Ways(), r.Cache.Least())
	if r.Cache.Shareable != 0 {
		text += ", devices use ways " + schemata.WayRanges(r.Cache.Shareable)
	}
	if size := r.Cache.WayBytes[r.Domains[0]]; size > 0 {
		text += fmt.Sprintf(", %.2f MiB each", float64(size)/(1<<20))
	}
	return text
}

// planDocument is a plan as JSON.
type planDocument struct {
	// Operations are the steps in order; none: the machine is divided as wanted.
	Operations []planOperation `json:"operations"`
	// Classes is how many control groups the machine tells apart, ClassesInUse how many there are after the plan.
	Classes      int `json:"classes"`
	ClassesInUse int `json:"classesInUse"`
	// Notes are what an operator should know.
	Notes []string `json:"notes"`
}

// planOperation is one step. The default group is called ".".
type planOperation struct {
	// Action is create, write, move or remove.
	Action string `json:"action"`
	Group  string `json:"group"`
	// Schemata are the lines that a write sets.
	Schemata []string `json:"schemata,omitempty"`
	// To is the group that a move brings the threads to, Threads how many there were when the plan was made.
	To      string `json:"to,omitempty"`
	Threads int    `json:"threads,omitempty"`
	// Monitors are the monitor groups that go with a group that is removed.
	Monitors []string `json:"monitors,omitempty"`
}

// printPlan shows a plan before it is carried out.
func printPlan(w io.Writer, format cli.Format, p partition.Plan) error {
	if format.String() != "json" {
		_, err := fmt.Fprint(w, p)
		return err
	}
	doc := planDocument{
		Operations: []planOperation{}, Classes: p.Capacity.Classes(), ClassesInUse: len(p.After.Groups), Notes: append([]string{}, p.Notes...),
	}
	for i, o := range p.Operations {
		step := planOperation{Action: o.Action.String(), Group: o.Group, To: o.To}
		before, _ := p.StateAfter(i).Group(o.Group)
		switch o.Action {
		case partition.Write:
			step.Schemata = o.Values.Lines(p.Capacity)
		case partition.Move:
			step.Threads = before.Tasks
		case partition.Remove:
			step.Monitors = before.Monitors
		case partition.Create:
		}
		doc.Operations = append(doc.Operations, step)
	}
	return cli.JSON(w, doc)
}

// usageRow is what one group uses of one cache domain; nil where it could not be read.
type usageRow struct {
	Group               string   `json:"group"`
	Domain              int      `json:"domain"`
	OccupancyBytes      *uint64  `json:"occupancyBytes"`
	TotalBytesPerSecond *float64 `json:"totalBytesPerSecond"`
	LocalBytesPerSecond *float64 `json:"localBytesPerSecond"`
}

// usageRows join the rates with the later occupancy, by group and domain.
func usageRows(before, after []resctrl.Counters, interval time.Duration) []usageRow {
	var rows []usageRow
	for _, r := range resctrl.Rates(before, after, interval) {
		row := usageRow{Group: r.Group, Domain: r.Domain, TotalBytesPerSecond: r.Total, LocalBytesPerSecond: r.Local}
		for _, c := range after {
			if c.Group == r.Group && c.Domain == r.Domain && c.Occupancy.State == resctrl.Valid {
				row.OccupancyBytes = new(c.Occupancy.Value)
			}
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b usageRow) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), cmp.Compare(a.Domain, b.Domain))
	})
	return rows
}

// missing is what csv says of a rate that is not known: a counter could not be read, or went back.
const missing = "missing"

// printUsage writes rows as csv, json or an aligned table. In csv, which is for scripts, the default group has no name, and there are rates only.
func printUsage(w io.Writer, format cli.Format, rows []usageRow) error {
	switch format.String() {
	case "json":
		return cli.JSON(w, rows)
	case "csv":
		out := csv.NewWriter(w)
		records := [][]string{{"group", "domain", "total_bytes_per_s", "local_bytes_per_s"}}
		for _, r := range rows {
			group := r.Group
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
		fmt.Fprintf(tw, "%s\t%d\t%s\t%s\t%s\t\n", r.Group, r.Domain, occupancy,
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
