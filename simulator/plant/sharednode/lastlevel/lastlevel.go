// Package lastlevel is who holds how much of a last-level cache whose ways containers may allocate into by masks: each way is shared in
// proportion to what is inserted, up to each one's footprint, and lines change hands with a time constant. Sizes are MB, times seconds.
package lastlevel

import "math"

// tau is the time constant in seconds with which lines change hands (node-resctrl 3.10; the settle of 2 s in
// firm-aquatope-drpc 5.7).
const tau = 2.0

// Cache holds the lines of each container per way, in MB.
type Cache struct {
	ways  int
	wayMB float64
	lines [][]float64 // container, way
}

// New returns an empty cache of so many MB for so many containers.
func New(containers, ways int, megabytes float64) Cache {
	c := Cache{ways: ways, wayMB: megabytes / float64(ways), lines: make([][]float64, containers)}
	for i := range c.lines {
		c.lines[i] = make([]float64, ways)
	}
	return c
}

// Held is the cache of a container in MB.
func (c *Cache) Held(i int) float64 {
	var sum float64
	for _, mb := range c.lines[i] {
		sum += mb
	}
	return sum
}

// Tenant is a container's claim on the cache.
type Tenant struct {
	// Inserts are insertions in any unit, the same for all, and FootprintMB the most that the container has use for.
	Inserts, FootprintMB float64
	// First and Last are the ways that it inserts into, of which Last is the first that it does not.
	First, Last int
}

// Advance moves every way towards its shares for dt seconds. There is a tenant for each container.
func (c *Cache) Advance(tenants []Tenant, dt float64) {
	scale := make([]float64, len(tenants)) // less than 1 where the footprint bounds
	for i, t := range tenants {
		scale[i] = t.Inserts / math.Max(1, float64(t.Last-t.First))
	}
	// A container whose footprint is filled stops inserting until the others have taken what it leaves.
	for range 4 {
		want := make([]float64, len(tenants))
		for w := range c.ways {
			total := c.inserted(tenants, scale, w)
			for i, t := range tenants {
				if t.First <= w && w < t.Last && total > 0 {
					want[i] += c.wayMB * scale[i] / total
				}
			}
		}
		for i, t := range tenants {
			if want[i] > t.FootprintMB {
				scale[i] *= t.FootprintMB / want[i]
			}
		}
	}
	moves := -math.Expm1(-dt / tau)
	for w := range c.ways {
		total := c.inserted(tenants, scale, w)
		for i, t := range tenants {
			target := 0.0
			if t.First <= w && w < t.Last && total > 0 {
				target = math.Min(c.wayMB*scale[i]/total, t.FootprintMB/float64(t.Last-t.First))
			}
			c.lines[i][w] += moves * (target - c.lines[i][w])
		}
	}
}

func (c *Cache) inserted(tenants []Tenant, scale []float64, way int) float64 {
	var total float64
	for i, t := range tenants {
		if t.First <= way && way < t.Last {
			total += scale[i]
		}
	}
	return total
}
