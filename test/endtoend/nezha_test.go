package endtoend

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/application/learn"
	"github.com/ballast-k8s/ballast/recommender/telemetry/spanfile"
)

// nezha is one application of Nezha: its minutes of traces, CPU and faults.
type nezha struct {
	learner *learn.Learner
	faults  []float64 // seconds as the windows count them
	types   []string
}

// readNezha reads an application. A file of traces is the minute before a row of metrics, so that windows begin where rows end: all times
// are moved by what that is off full minutes. unit is that of the column CpuUsage(m) in cores.
func readNezha(t testing.TB, name string, unit float64) *nezha {
	t.Helper()
	dir := folder(t, "nezha/"+name)
	set := spanfile.New(spanfile.DefaultLimits())
	index, n := table(t, filepath.Join(dir, "index.csv"))
	for i := range n {
		first := len(set.Traces)
		path := filepath.Join(dir, "traces", strings.ReplaceAll(index["minute_utc"][i], ":", "_")+"_"+index["kind"][i]+".csv.gz")
		if err := set.Read(path, read(t, path)); err != nil {
			t.Fatal(err)
		}
		base := int64(number(t, index["base_unix_s"][i])) * 1e9
		for _, spans := range set.Traces[first:] {
			for k := range spans {
				spans[k].Start += base
				spans[k].End += base
			}
		}
	}
	metrics, rows := table(t, filepath.Join(dir, "metrics.csv.gz"))
	shift := math.Mod(number(t, metrics["TimeStamp"][rows-1]), 60)
	x := &nezha{learner: learn.New(set.Services, 60, 1)}
	for _, spans := range set.Traces {
		for k := range spans {
			spans[k].Start -= int64(shift) * 1e9
			spans[k].End -= int64(shift) * 1e9
		}
		x.learner.Add(spans)
	}
	for i := range rows {
		used, rate := number(t, metrics["CpuUsage(m)"][i])*unit, number(t, metrics["CpuUsageRate(%)"][i])
		if rate > 0 && slices.Contains(set.Services, metrics["service"][i]) {
			x.learner.Observe(learn.Usage{
				Service: metrics["service"][i], Time: number(t, metrics["TimeStamp"][i]) - 30 - shift, Pods: 1, Used: used, Cores: used / rate * 100,
			})
		}
	}
	faults, n := table(t, filepath.Join(dir, "faults.csv"))
	for i := range n {
		x.faults = append(x.faults, number(t, faults["inject_unix_s"][i])-shift)
		x.types = append(x.types, faults["type"][i])
	}
	return x
}

// The groups of minutes.
const (
	quiet = iota
	cpuFault
	otherFault // of the network or the code
	groups
)

// group is that of a minute: a fault's, if it was injected at least 20 s and at most 3 minutes before the minute's end, of which the
// last one.
func (x *nezha) group(window int64) int {
	end, last, group := x.learner.Begin(window+1), math.Inf(-1), quiet
	for i, at := range x.faults {
		if since := end - at; since < 20 || since > 180 || at < last {
			continue
		}
		last, group = at, otherFault
		if strings.HasPrefix(x.types[i], "cpu") {
			group = cpuFault
		}
	}
	return group
}

// folds divides minutes among so many folds: minutes less than five minutes apart, which may be of one fault, go to the same.
func (x *nezha) folds(n int) [][]int64 {
	folds := make([][]int64, n)
	at := -1
	last := math.Inf(-1)
	for _, w := range x.learner.Windows() {
		if begin := x.learner.Begin(w); begin-last > 300 {
			at++
		}
		last = x.learner.Begin(w)
		folds[at%n] = append(folds[at%n], w)
	}
	return folds
}

// The contestants.
const (
	byCPU    = iota // laws at the minute's load and CPU, nothing of its latency
	bySeen          // laws with the mean time of each service's calls in the minute
	constant        // the median of the other minutes
	last            // the minute recorded before
	contestants
)

// score is the sum of |ln(predicted/observed)| of the 95th percentile of requests, by group and contestant.
type score struct {
	sums    [groups][contestants]float64
	minutes [groups]float64
}

func (s *score) mean(group, contestant int) float64 {
	return s.sums[group][contestant] / s.minutes[group]
}

// judge predicts every minute from laws fitted on the other folds' minutes.
func (x *nezha) judge(t *testing.T) *score {
	t.Helper()
	l := x.learner
	windows := l.Windows()
	whole, err := l.Fit(windows)
	if err != nil {
		t.Fatal(err)
	}
	all, err := l.Check(whole, windows) // only for what was observed
	if err != nil {
		t.Fatal(err)
	}
	s := &score{}
	for _, fold := range x.folds(6) {
		others := slices.DeleteFunc(slices.Clone(windows), func(w int64) bool { return slices.Contains(fold, w) })
		d, err := l.Fit(others)
		if err != nil {
			t.Fatal(err)
		}
		known, err := l.Check(d, others)
		if err != nil {
			t.Fatal(err)
		}
		var observed, cpu, seen []float64
		for _, c := range known { // of one entry
			observed, cpu, seen = append(observed, c.Observed[0]), append(cpu, c.Observed[0]/c.Predicted[0]), append(seen, c.Observed[0]/c.Composed[0])
		}
		checks, err := l.Check(d, fold)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range checks {
			before, ok := previous(all, c.Window)
			if !ok {
				continue
			}
			group := x.group(c.Window)
			s.minutes[group]++
			for i, predicted := range [contestants]float64{middle(cpu) * c.Predicted[0], middle(seen) * c.Composed[0], middle(observed), before} {
				s.sums[group][i] += math.Abs(math.Log(predicted / c.Observed[0]))
			}
		}
	}
	return s
}

// previous is the percentile of the last minute before a window that has one.
func previous(all []learn.Check, window int64) (float64, bool) {
	for _, c := range slices.Backward(all) {
		if c.Window < window {
			return c.Observed[0], true
		}
	}
	return 0, false
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// TestNezha predicts the 95th percentile of the requests of minutes that had no part in the fit, nor had their neighbours: from what each
// service's calls took in the minute in the mean, and from its load and CPU alone. The latter is only reported: it does not know of
// delays in the network, nor that a throttled caller is slow to take in answers.
func TestNezha(t *testing.T) {
	t.Parallel()
	for _, app := range []struct {
		name string
		unit float64 // of the column CpuUsage(m), in cores
	}{{"onlineboutique", 0.01}, {"trainticket", 0.001}} {
		t.Run(app.name, func(t *testing.T) {
			t.Parallel()
			s := readNezha(t, app.name, app.unit).judge(t)
			var fault [contestants]float64
			for group, name := range [groups]string{"quiet", "CPU faults", "other faults"} {
				t.Logf("%s, %v minutes: mean |ln(predicted/observed p95)| by CPU and load %.3f, by services' means %.3f, constant %.3f, last minute %.3f", name,
					s.minutes[group], s.mean(group, byCPU), s.mean(group, bySeen), s.mean(group, constant), s.mean(group, last))
			}
			n := s.minutes[cpuFault] + s.minutes[otherFault]
			for i := range fault {
				fault[i] = (s.sums[cpuFault][i] + s.sums[otherFault][i]) / n
			}
			t.Logf("all faults, %v minutes: by CPU and load %.3f, by services' means %.3f, constant %.3f, last minute %.3f", n, fault[byCPU], fault[bySeen], fault[constant],
				fault[last])
			if fault[bySeen] >= min(fault[constant], fault[last]) {
				t.Errorf("on fault minutes composition of services' means errs by %.3f, the constant by %.3f and the last minute by %.3f", fault[bySeen],
					fault[constant], fault[last])
			}
			if q := s.mean(quiet, bySeen); q >= min(s.mean(quiet, constant), s.mean(quiet, last)) {
				t.Errorf("on quiet minutes composition of services' means errs by %.3f, the constant by %.3f and the last minute by %.3f", q,
					s.mean(quiet, constant), s.mean(quiet, last))
			}
		})
	}
}
