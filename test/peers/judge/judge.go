package judge

// Levels are the objectives that Metis' Fig. 12a counts: the share of containers whose performance is at least this much of that alone.
var Levels = [3]float64{0.9, 0.95, 1}

// Verdict is how good a placement is.
type Verdict struct {
	// Throughput is the mean performance of the containers: the sum over nodes and classes of containers × performance, over all
	// containers (Metis' "Avg. RPS").
	Throughput float64
	// Within is, by level, the share of containers at or above it.
	Within [len(Levels)]float64
	// Free is the number of nodes without a container.
	Free int
}

// Judge judges a placement. It fails on a mix that the table does not have: a placement is never given marks for the unknown.
func (t *Table) Judge(placement [][]int) (Verdict, error) {
	var v Verdict
	containers := 0.0
	for _, counts := range placement {
		here := 0
		for _, n := range counts {
			here += n
		}
		if here == 0 {
			v.Free++
			continue
		}
		performance, err := t.Performance(counts)
		if err != nil {
			return Verdict{}, err
		}
		containers += float64(here)
		for class, n := range counts {
			if n == 0 {
				continue
			}
			v.Throughput += float64(n) * performance[class]
			for level, at := range Levels {
				if performance[class] >= at {
					v.Within[level] += float64(n)
				}
			}
		}
	}
	if containers > 0 {
		v.Throughput /= containers
		for level := range v.Within {
			v.Within[level] /= containers
		}
	}
	return v, nil
}
