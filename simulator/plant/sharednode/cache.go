package sharednode

import "math"

// cacheTau is the time constant in seconds with which lines change hands (node-resctrl 3.10; the settle of 2 s in
// firm-aquatope-drpc 5.7).
const cacheTau = 2.0

// cache holds the lines of each container per way, in MB.
type cache struct {
	ways  int
	wayMB float64
	lines [][]float64 // container, way
}

func newCache(containers, ways int, megabytes float64) cache {
	c := cache{ways: ways, wayMB: megabytes / float64(ways), lines: make([][]float64, containers)}
	for i := range c.lines {
		c.lines[i] = make([]float64, ways)
	}
	return c
}

// held is the cache of a container in MB.
func (c *cache) held(i int) float64 {
	var sum float64
	for _, mb := range c.lines[i] {
		sum += mb
	}
	return sum
}

// tenant is a container's claim on the cache: insertions in any unit, into the ways [first, last), and the most it has use for.
type tenant struct {
	inserts, footprintMB float64
	first, last          int
}

// advance moves every way towards its shares.
func (c *cache) advance(tenants []tenant, dt float64) {
	scale := make([]float64, len(tenants)) // less than 1 where the footprint bounds
	for i, t := range tenants {
		scale[i] = t.inserts / math.Max(1, float64(t.last-t.first))
	}
	// A container whose footprint is filled stops inserting until the others have taken what it leaves.
	for range 4 {
		want := make([]float64, len(tenants))
		for w := range c.ways {
			total := c.inserted(tenants, scale, w)
			for i, t := range tenants {
				if t.first <= w && w < t.last && total > 0 {
					want[i] += c.wayMB * scale[i] / total
				}
			}
		}
		for i, t := range tenants {
			if want[i] > t.footprintMB {
				scale[i] *= t.footprintMB / want[i]
			}
		}
	}
	moves := -math.Expm1(-dt / cacheTau)
	for w := range c.ways {
		total := c.inserted(tenants, scale, w)
		for i, t := range tenants {
			target := 0.0
			if t.first <= w && w < t.last && total > 0 {
				target = math.Min(c.wayMB*scale[i]/total, t.footprintMB/float64(t.last-t.first))
			}
			c.lines[i][w] += moves * (target - c.lines[i][w])
		}
	}
}

func (c *cache) inserted(tenants []tenant, scale []float64, way int) float64 {
	var total float64
	for i, t := range tenants {
		if t.first <= way && way < t.last {
			total += scale[i]
		}
	}
	return total
}
