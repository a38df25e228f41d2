package noisyneighbour

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

// use is the CPU use of the three containers, in percent of a core.
type use struct{ memcache, cassandra, tensorflow float64 }

func contention(t *testing.T) []use {
	t.Helper()
	var list []use
	for _, row := range rows(t, "prm-cpu-contention", "example.csv.gz") {
		list = append(list, use{number(t, row[1]), number(t, row[2]), number(t, row[3])})
	}
	return list
}

// The file has no marks: TensorFlow uses no CPU in the first part, and two cores in the second. What shows it is only how much CPU the
// others get. Cassandra's use beside Memcache's is compared, in classes of Memcache's use, as if one load drove both. The figures say that
// use alone shows little: rows with TensorFlow lie above the others with a probability from 0.14 to 0.65, so that nothing is claimed but
// few false alarms.
func TestContentionFromUseAlone(t *testing.T) {
	t.Parallel()
	list := contention(t)
	present := 0
	var quiet, busy [bars.Deciles][]float64
	for _, u := range list {
		if u.tensorflow > 50 {
			present++
		}
		if u.memcache < 10 || u.cassandra < 10 { // one of them stands still
			continue
		}
		d := bars.DecileOf(u.memcache / 200)
		if u.tensorflow > 50 {
			busy[d] = append(busy[d], u.memcache/u.cassandra)
		} else if u.tensorflow == 0 {
			quiet[d] = append(quiet[d], u.memcache/u.cassandra)
		}
	}
	if len(list) != 3068 || present < 900 || present > 1200 {
		t.Fatalf("%d rows, TensorFlow in %d: not the file described", len(list), present)
	}
	for d := range quiet {
		if len(quiet[d]) > 20 && len(busy[d]) > 20 {
			t.Logf("Memcache at %3d-%3d %%: Memcache over Cassandra %.2f alone (%d rows), %.2f with TensorFlow (%d rows), above it with probability %.2f",
				20*d, 20*d+20, median(quiet[d]), len(quiet[d]), median(busy[d]), len(busy[d]), above(busy[d], quiet[d]))
		}
	}
	ours, peer := flagged(list)
	t.Logf("Memcache over Cassandra: ours      %v", &ours)
	t.Logf("Memcache over Cassandra: PRM fence %v", &peer)
	quietly, busily := unsteadiness(list)
	for i, name := range []string{"Memcache", "Cassandra"} {
		t.Logf("%s: coefficient of variation over 20 s %.4f alone, %.4f with TensorFlow, above it with probability %.2f", name, median(quietly[i]),
			median(busily[i]), above(busily[i], quietly[i]))
	}
	if rate := ours.false / ours.others; rate > 0.1 {
		t.Errorf("%.1f %% of quiet rows flagged", 100*rate)
	}
}

// flagged judges the second half of the quiet part, and what follows, by bars from the first half.
func flagged(list []use) (ours, peer score) {
	var u bars.Usual
	var first [bars.Deciles][]float64
	var quiet []use
	for _, x := range list {
		if x.tensorflow == 0 && x.memcache >= 10 && x.cassandra >= 10 {
			quiet = append(quiet, x)
		}
	}
	learn := map[use]bool{}
	for i, x := range quiet {
		if i%200 < 100 { // alternating minutes: the load passes its range once only
			d, v := bars.DecileOf(x.memcache/200), x.memcache/x.cassandra
			u.Learn(d, bars.CPI, v)
			first[d] = append(first[d], v)
			learn[x] = true
		}
	}
	var fences [bars.Deciles]float64
	for d := range fences {
		fences[d] = math.Inf(1)
		if len(first[d]) >= 50 {
			fences[d] = fence(first[d])
		}
	}
	for _, x := range list {
		if x.memcache < 10 || x.cassandra < 10 || learn[x] {
			continue
		}
		d := bars.DecileOf(x.memcache / 200)
		if bar, ok := u.Bar(d, bars.CPI); ok && !math.IsInf(fences[d], 1) {
			v := x.memcache / x.cassandra
			ours.add(x.tensorflow > 50, v > bar.High)
			peer.add(x.tensorflow > 50, v > fences[d])
		}
	}
	return ours, peer
}

// unsteadiness is the coefficient of variation of the use over 10 rows 2 s apart, without and with TensorFlow. The first part has two rows
// each 2 s, of which every second one is taken.
func unsteadiness(list []use) (quiet, busy [2][]float64) {
	var steady []use
	for i, x := range list {
		if x.tensorflow > 50 || i%2 == 0 {
			steady = append(steady, x)
		}
	}
	for i := 10; i <= len(steady); i += 5 {
		part := steady[i-10 : i]
		if (part[0].tensorflow > 50) != (part[9].tensorflow > 50) {
			continue
		}
		var m, c []float64
		for _, x := range part {
			m, c = append(m, x.memcache), append(c, x.cassandra)
		}
		for k, v := range [][]float64{m, c} {
			switch mean, sd := moments(v); {
			case mean < 10:
			case part[0].tensorflow > 50:
				busy[k] = append(busy[k], sd/mean)
			default:
				quiet[k] = append(quiet[k], sd/mean)
			}
		}
	}
	return quiet, busy
}
