package isolationfaults_test

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
)

// names of partitions: few, so that wishes have some in common.
var names = []string{"be", "mid", "lc", "strict", "batch"}

// rest is the share of a partition without a wish for the cache.
const rest = 0

// randomWish is 1 to 4 partitions that a machine can have: a layout is drawn first, and then told as ranges or as numbers of ways. Room for
// one partition that says nothing of the cache is left, twice the least, because the planner does not keep the free ways together.
func randomWish(spec *resctrlfs.Spec, random *rand.Rand) []partition.Partition {
	most := 4
	if classes := classes(spec); classes < 6 {
		most = classes - 2 // the default group's, and one left free
	}
	n := 1 + random.IntN(most)
	order := random.Perm(len(names))
	least := max(1, spec.L3.MinCBMBits)
	free := spec.L3.Ways - 2*least
	out := make([]partition.Partition, 0, n)
	from := 0
	withRest := -1
	if random.IntN(3) == 0 {
		withRest = random.IntN(n)
	}
	ranges := random.IntN(2) == 0
	for i := range n {
		p := partition.Partition{Name: names[order[i]], Bandwidth: randomLimit(spec, random)}
		if i != withRest {
			room := free - from - least*(n-1-i)
			width := least + random.IntN(max(1, min(room, free*2/n)-least+1))
			p.Ways = ways(spec, random, from, width, ranges && random.IntN(4) > 0)
			from += width
		}
		out = append(out, p)
	}
	if n > 1 && withRest < 0 && random.IntN(4) == 0 {
		shareWays(spec, out)
	}
	random.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// ways tells one run of the cache as a range or as a number, of the whole cache or of code and data.
func ways(spec *resctrlfs.Spec, random *rand.Rand, from, width int, ranged bool) []partition.Ways {
	w := partition.Ways{Cache: "L3", Count: width}
	if ranged {
		w = partition.Ways{Cache: "L3", From: from, To: from + width}
	}
	if ranged && spec.Options.CDP && random.IntN(2) == 0 {
		code, data := w, w
		code.Cache, data.Cache = "L3CODE", "L3DATA"
		return []partition.Ways{code, data}
	}
	if random.IntN(4) == 0 { // the domains apart, which is another way to say the same
		first, others := w, w
		first.Domains, others.Domains = spec.CacheIDs[:1], spec.CacheIDs[1:]
		return []partition.Ways{first, others}
	}
	return []partition.Ways{w}
}

// shareWays gives two partitions the same ways.
func shareWays(spec *resctrlfs.Spec, out []partition.Partition) {
	least := max(1, spec.L3.MinCBMBits)
	for i := range out[:2] {
		out[i].Ways = []partition.Ways{{Cache: "L3", From: 0, To: least + 1, Shared: true}}
	}
	from := least + 1
	for i := range out[2:] {
		out[i+2].Ways = []partition.Ways{{Cache: "L3", From: from, To: from + least}}
		from += least
	}
}

func randomLimit(spec *resctrlfs.Spec, random *rand.Rand) []partition.Limit {
	switch {
	case spec.MB == nil || random.IntN(2) == 0:
		return nil
	case spec.MB.Max > 100:
		return []partition.Limit{{Resource: "MB", MBps: 1 + random.IntN(300_000)}}
	}
	return []partition.Limit{{Resource: "MB", Percent: 1 + random.IntN(100)}}
}

// classes is how many groups the machine tells apart.
func classes(spec *resctrlfs.Spec) int {
	n := spec.L3.NumCLOSIDs
	if spec.Options.CDP {
		n /= 2
	}
	if spec.MB != nil {
		n = min(n, spec.MB.NumCLOSIDs)
	}
	return n
}

// mayShare says whether a wish lets two partitions use the same ways: both say so, or both say nothing of the cache and so get what is left.
func mayShare(wish []partition.Partition, a, b string) bool {
	find := func(name string) *partition.Partition {
		i := slices.IndexFunc(wish, func(p partition.Partition) bool { return "ballast-"+p.Name == name })
		if i < 0 {
			return nil
		}
		return &wish[i]
	}
	pa, pb := find(a), find(b)
	if pa == nil || pb == nil {
		return true // no longer wanted: its ways may be given to others while its last threads run
	}
	shared := func(p *partition.Partition) bool {
		return slices.ContainsFunc(p.Ways, func(w partition.Ways) bool { return w.Shared })
	}
	return len(pa.Ways) == rest && len(pb.Ways) == rest || shared(pa) && shared(pb)
}

// inForce says what of a wish a tree does not show; empty: it is in force. It is written from the meaning of a wish, without the planner.
func inForce(spec *resctrlfs.Spec, wish []partition.Partition, s *shot) string {
	for i := range wish {
		p := &wish[i]
		g := s.groups["ballast-"+p.Name]
		if g == nil {
			return "ballast-" + p.Name + " is missing"
		}
		for _, id := range spec.CacheIDs {
			for _, line := range lines(spec) {
				if why := asWished(p, line, id, g.values[line][id]); why != "" {
					return fmt.Sprintf("ballast-%s %s:%d=%x: %s", p.Name, line, id, g.values[line][id], why)
				}
			}
			if want := bandwidth(spec, p); spec.MB != nil && g.values["MB"][id] != want {
				return fmt.Sprintf("ballast-%s MB:%d=%d, want %d", p.Name, id, g.values["MB"][id], want)
			}
			for j := range i {
				if other := "ballast-" + wish[j].Name; !mayShare(wish, other, "ballast-"+p.Name) && g.ways(id)&s.groups[other].ways(id) != 0 {
					return fmt.Sprintf("%s and ballast-%s share ways of domain %d", other, p.Name, id)
				}
			}
		}
	}
	return ""
}

// lines are the names of the cache's lines in schemata.
func lines(spec *resctrlfs.Spec) []string {
	if spec.Options.CDP {
		return []string{"L3CODE", "L3DATA"}
	}
	return []string{"L3"}
}

func asWished(p *partition.Partition, line string, id int, mask uint32) string {
	for _, w := range p.Ways {
		if w.Cache != "L3" && w.Cache != line || len(w.Domains) > 0 && !slices.Contains(w.Domains, id) {
			continue
		}
		if w.Count > 0 {
			if bits.OnesCount32(mask) != w.Count {
				return fmt.Sprintf("want %d ways", w.Count)
			}
			return ""
		}
		if want := uint32(1)<<w.To - uint32(1)<<w.From; mask != want {
			return fmt.Sprintf("want %x", want)
		}
		return ""
	}
	if len(p.Ways) > 0 {
		return "the test has made a wish that it does not understand"
	}
	return ""
}

// bandwidth is the greatest value that keeps a limit, but at least the least one: AMD counts 125 MB/s and the planner rounds up to that
// (node-resctrl D3: ceil), percent go down to a step of 10.
func bandwidth(spec *resctrlfs.Spec, p *partition.Partition) uint32 {
	switch {
	case spec.MB == nil:
		return 0
	case len(p.Bandwidth) == 0:
		return spec.MB.Max
	case p.Bandwidth[0].MBps > 0:
		return uint32(min((p.Bandwidth[0].MBps+124)/125, int(spec.MB.Max)))
	}
	step := int(spec.MB.Granularity)
	return uint32(max(int(spec.MB.Min), p.Bandwidth[0].Percent/step*step))
}
