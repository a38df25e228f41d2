package profile

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/profile"
	"github.com/ballast-k8s/ballast/predictor/interference/profile/newclass"
)

// containers are the numbers of containers of a mix by class name, or what one container of each class does.
type containers []classNumber

type classNumber struct {
	Class  string  `json:"class"`
	Number float64 `json:"number"`
}

// String is class=number, separated by commas.
func (c containers) String() string { return strings.Join(c.words(), ",") }

func (c containers) words() []string {
	words := make([]string, len(c))
	for i, n := range c {
		words[i] = n.Class + "=" + strconv.FormatFloat(n.Number, 'g', -1, 64)
	}
	return words
}

// of is the number of a class, 0 if it is not there.
func (c containers) of(class string) float64 {
	for _, n := range c {
		if n.Class == class {
			return n.Number
		}
	}
	return 0
}

func containersOf(classes []string, mix interference.Mix) containers {
	var c containers
	for _, l := range mix {
		c = append(c, classNumber{classes[l.Class], l.Units})
	}
	return c
}

// adviceView is what `ballast interference profile` prints.
type adviceView struct {
	// Classes are those that mixes may be of.
	Classes []string      `json:"classes"`
	Mixes   []proposedMix `json:"mixes"`
	Summary *summaryView  `json:"summary,omitempty"` // absent for a new class
	New     string        `json:"newClass,omitempty"`

	columns []string // of a mixes file: all classes of the model and the new one
}

// proposedMix is a mix to measure. Estimate is absent for a new class, Tells otherwise.
type proposedMix struct {
	Rank       int           `json:"rank"`
	Containers containers    `json:"containers"`
	Estimate   *estimateView `json:"estimate,omitempty"`
	Tells      *float64      `json:"tells,omitempty"`
	Reason     string        `json:"reason"`
}

// estimateView is as profile.Proposal, performances as ratios to running alone.
type estimateView struct {
	Gain           float64 `json:"gain"`
	GainError      float64 `json:"gainStandardError"`
	Performance    float64 `json:"meanPerformance"`
	HalfWidth      float64 `json:"intervalHalfWidth"`
	HalfWidthAfter float64 `json:"intervalHalfWidthAfter"`
	Use            float64 `json:"shareOfNodes"`
}

// summaryView is as profile.Advice.
type summaryView struct {
	GainOfAll             float64 `json:"gainOfAll"`
	GainOfAllError        float64 `json:"gainOfAllStandardError"`
	GainOfEverything      float64 `json:"gainOfEverything"`
	GainOfEverythingError float64 `json:"gainOfEverythingStandardError"`
	Considered            int     `json:"mixesConsidered"`
	Unmeasured            int     `json:"mixesUnmeasured"`
}

func newAdviceView(model *interference.Model, a *profile.Advice) *adviceView {
	names := model.Classes()
	out := &adviceView{Mixes: []proposedMix{}, columns: names, Summary: &summaryView{
		GainOfAll: a.Together, GainOfAllError: a.TogetherError, GainOfEverything: a.Everything, GainOfEverythingError: a.EverythingError,
		Considered: a.Considered, Unmeasured: a.Unmeasured,
	}}
	for _, class := range a.Classes {
		out.Classes = append(out.Classes, names[class])
	}
	for i, p := range a.Proposals {
		out.Mixes = append(out.Mixes, proposedMix{
			Rank: i + 1, Containers: containersOf(names, p.Mix), Reason: p.Reason,
			Estimate: &estimateView{p.Gain, p.GainError, p.Performance, p.HalfWidth, p.After, p.Use},
		})
	}
	return out
}

func probeAdvice(model *interference.Model, name string, probes []newclass.Probe) *adviceView {
	out := &adviceView{New: name, columns: append(model.Classes(), name)}
	for i, p := range probes {
		c := append(containers{{name, p.Units}}, containersOf(model.Classes(), p.Beside)...)
		out.Mixes = append(out.Mixes, proposedMix{Rank: i + 1, Containers: c, Tells: &p.Tells, Reason: p.Reason})
		for _, n := range c {
			if !slices.Contains(out.Classes, n.Class) {
				out.Classes = append(out.Classes, n.Class)
			}
		}
	}
	return out
}

// print writes what was proposed.
func (a *adviceView) print(w io.Writer, format cli.Format) error {
	switch format.String() {
	case "csv":
		return a.printCSV(w)
	case "json":
		return cli.JSON(w, a)
	default:
		return a.printTable(w)
	}
}

// printCSV writes a mixes file to be filled in.
func (a *adviceView) printCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(mixesHeader(a.columns)); err != nil {
		return err
	}
	for _, m := range a.Mixes {
		record := make([]string, 2*len(a.columns))
		for k, class := range a.columns {
			record[k] = strconv.FormatFloat(m.Containers.of(class), 'g', -1, 64)
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func mixesHeader(classes []string) []string {
	var header []string
	for _, prefix := range []string{"n_", "perf_"} {
		for _, class := range classes {
			header = append(header, prefix+class)
		}
	}
	return header
}

func (a *adviceView) printTable(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if a.New != "" {
		fmt.Fprintln(tw, "rank\tmix\twhy")
		for _, m := range a.Mixes {
			fmt.Fprintf(tw, "%d\t%s\t%s\n", m.Rank, m.Containers, m.Reason)
		}
		return tw.Flush()
	}
	fmt.Fprintln(tw, "rank\tmix\texpected gain, points\tmean performance\t90 % interval, now and then\twhy")
	for _, m := range a.Mixes {
		e := m.Estimate
		fmt.Fprintf(tw, "%d\t%s\t%s\t%.3f\t±%.3f, ±%.3f\t%s\n",
			m.Rank, m.Containers, points(e.Gain, e.GainError), e.Performance, e.HalfWidth, e.HalfWidthAfter, m.Reason)
	}
	return tw.Flush()
}

// points is a gain in percentage points with its standard error, with as many digits as a small one needs.
func points(mean, standardError float64) string {
	if 100*mean < 0.0005 {
		return "under 0.001"
	}
	return fmt.Sprintf("%.2g ± %.1g", 100*mean, 100*standardError)
}

// summarise says what measuring would be worth.
func (a *adviceView) summarise(w io.Writer) {
	if a.New != "" {
		fmt.Fprintf(w, "measure %s in these mixes, as a ratio to what it does in the first, and learn them: "+
			"ballast interference fit --onto MODEL --mixes FILE --out MODEL\n", a.New)
		return
	}
	s := a.Summary
	fmt.Fprintf(w, "%d mixes of %s weighed, %d of them never measured\n", s.Considered, strings.Join(a.Classes, ", "), s.Unmeasured)
	if len(a.Mixes) > 0 {
		fmt.Fprintf(w, "expected gain in mean performance of a placed pod, in percentage points: %s by measuring these %d, %s if everything were known\n",
			points(s.GainOfAll, s.GainOfAllError), len(a.Mixes), points(s.GainOfEverything, s.GainOfEverythingError))
	}
}
