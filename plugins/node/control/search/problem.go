package search

import (
	"fmt"
	"math"
	"slices"
)

// Bounds of what is searched.
const (
	maxJobs      = 16
	maxResources = 8
	maxUnits     = 256
)

// Job shares the node.
type Job struct {
	Name string
	// Latency says that it must meet a latency; the others are batch.
	Latency bool
}

// Resource is divided among all jobs in whole units, at least one for each.
type Resource struct {
	Name  string
	Units int
}

// Problem is what to divide among whom.
type Problem struct {
	Jobs      []Job
	Resources []Resource
}

// Division gives each job, in the order of the problem, its units of each resource. The units of a resource add up to what there is.
type Division [][]int

// Performance is how a job did.
type Performance struct {
	// Margin is target over latency: at least 1 where the job meets it. Of batch jobs it is not looked at.
	Margin float64
	// Relative is the work done over that done alone on the node, 0 to 1.
	Relative float64
}

// check says what is wrong with a problem.
func (p Problem) check() error {
	if len(p.Jobs) < 2 || len(p.Jobs) > maxJobs {
		return fmt.Errorf("search: %d jobs: want 2 to %d", len(p.Jobs), maxJobs)
	}
	if len(p.Resources) < 1 || len(p.Resources) > maxResources {
		return fmt.Errorf("search: %d resources: want 1 to %d", len(p.Resources), maxResources)
	}
	for _, r := range p.Resources {
		if r.Units < len(p.Jobs) || r.Units > maxUnits {
			return fmt.Errorf("search: resource %s has %d units for %d jobs: want at least one for each, at most %d", r.Name, r.Units, len(p.Jobs),
				maxUnits)
		}
	}
	return nil
}

// Score is CLITE's: where a latency is missed, half of the geometric mean of min(1, target/latency), at most 0.5; else a half and half of
// the geometric mean of the relative performance of the batch jobs, or of the others where there are none. Values that are no numbers or
// negative count as 0.
func Score(jobs []Job, done []Performance) float64 {
	met, missed, relative, batch := 0.0, false, 0.0, slices.ContainsFunc(jobs, func(j Job) bool { return !j.Latency })
	latency, counted := 0, 0
	for i, j := range jobs {
		if j.Latency {
			m := unit(done[i].Margin)
			missed = missed || m < 1
			met += math.Log(m)
			latency++
		}
		if j.Latency != batch {
			relative += math.Log(unit(done[i].Relative))
			counted++
		}
	}
	if missed {
		return 0.5 * math.Exp(met/float64(latency))
	}
	return 0.5 + 0.5*math.Exp(relative/float64(counted))
}

// unit cuts a value to 0 to 1.
func unit(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

// equal splits each resource evenly; the first jobs get what is left over.
func (p Problem) equal() Division {
	d := make(Division, len(p.Jobs))
	for j := range d {
		d[j] = make([]int, len(p.Resources))
		for r, res := range p.Resources {
			d[j][r] = res.Units / len(p.Jobs)
			if j < res.Units%len(p.Jobs) {
				d[j][r]++
			}
		}
	}
	return d
}

// allTo gives a job everything but one unit for each of the others.
func (p Problem) allTo(job int) Division {
	d := make(Division, len(p.Jobs))
	for j := range d {
		d[j] = make([]int, len(p.Resources))
		for r, res := range p.Resources {
			d[j][r] = 1
			if j == job {
				d[j][r] = res.Units - len(p.Jobs) + 1
			}
		}
	}
	return d
}

func (d Division) clone() Division {
	c := make(Division, len(d))
	for j := range d {
		c[j] = slices.Clone(d[j])
	}
	return c
}

func (d Division) same(e Division) bool {
	return slices.EqualFunc(d, e, slices.Equal)
}

// point is a job's part of each resource, the input of a Gaussian process.
func (p Problem) point(part []int) []float64 {
	x := make([]float64, len(part))
	for r, u := range part {
		x[r] = float64(u) / float64(p.Resources[r].Units)
	}
	return x
}

// batch says whether there are batch jobs.
func (p Problem) batch() bool {
	return slices.ContainsFunc(p.Jobs, func(j Job) bool { return !j.Latency })
}
