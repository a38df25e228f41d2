package exposition

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// Groups shows the counters of groups. One without a value has no series.
type Groups struct {
	occupancy, traffic *prometheus.Desc

	// before are the counters of the round before, and sums what was added up since: of the goroutine alone that calls Take.
	before []resctrl.Counters
	sums   map[groupDomain]groupTraffic
	last   atomic.Pointer[[]groupUse]
}

type groupDomain struct {
	group  string
	domain int
}

// groupTraffic is in bytes.
type groupTraffic struct{ total, local float64 }

// groupUse is what is shown of a group in a domain; nil: nothing.
type groupUse struct {
	name, domain            string
	occupancy, total, local *float64
}

// NewGroups returns a collector whose series begin with the namespace.
func NewGroups(namespace string) *Groups {
	labels := []string{"group", "domain"}
	return &Groups{
		occupancy: prometheus.NewDesc(namespace+"_group_occupancy_bytes", "Cache that a control or monitor group fills.", labels, nil),
		traffic: prometheus.NewDesc(namespace+"_group_memory_traffic_bytes_total",
			"Traffic of a control or monitor group between cache and memory, since the agent first saw the group: all of it (total), and the part "+
				"to memory of the same node (local). A round in which a monitor group left its control group adds nothing to that.",
			append(labels, "kind"), nil),
	}
}

// Take takes the counters of a round; none: they could not be read. The kernel's sum of a control group goes down when a monitor group of it ends,
// as it does with each container that is counted alone, which is no reset. So what is shown is added up of what is known between two rounds.
func (c *Groups) Take(now []resctrl.Counters) {
	sums, uses, shown := map[groupDomain]groupTraffic{}, make([]groupUse, 0, len(now)), map[[2]string]bool{}
	bytes := resctrl.Rates(c.before, now, time.Second) // of one second, so that they are the differences; in the order of now
	for i, k := range now {
		at := groupDomain{k.Group, k.Domain}
		sum := c.sums[at]
		sum.total += orZero(bytes[i].Total)
		sum.local += orZero(bytes[i].Local)
		sums[at] = sum
		u := groupUse{name: GroupName(k.Group), domain: strconv.Itoa(k.Domain)}
		if shown[[2]string{u.name, u.domain}] {
			continue
		}
		shown[[2]string{u.name, u.domain}] = true
		for _, v := range []struct {
			reading resctrl.Reading
			to      **float64
			value   float64
		}{{k.Occupancy, &u.occupancy, float64(k.Occupancy.Value)}, {k.Total, &u.total, sum.total}, {k.Local, &u.local, sum.local}} {
			if v.reading.State == resctrl.Valid {
				*v.to = new(v.value)
			}
		}
		uses = append(uses, u)
	}
	c.before, c.sums = now, sums
	c.last.Store(&uses)
}

func orZero(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// GroupName is the name of a group as text. The kernel takes any bytes in it; those that are no UTF-8 are written \xNN, so that groups stay apart.
func GroupName(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, n := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, name[0])
		} else {
			b.WriteString(name[:n])
		}
		name = name[n:]
	}
	return b.String()
}

// Describe implements prometheus.Collector.
func (c *Groups) Describe(out chan<- *prometheus.Desc) {
	out <- c.occupancy
	out <- c.traffic
}

// Collect implements prometheus.Collector.
func (c *Groups) Collect(out chan<- prometheus.Metric) {
	last := c.last.Load()
	if last == nil {
		return
	}
	for _, u := range *last {
		put := func(d *prometheus.Desc, t prometheus.ValueType, v *float64, more ...string) {
			if v != nil {
				out <- prometheus.MustNewConstMetric(d, t, *v, append([]string{u.name, u.domain}, more...)...)
			}
		}
		put(c.occupancy, prometheus.GaugeValue, u.occupancy)
		put(c.traffic, prometheus.CounterValue, u.total, "total")
		put(c.traffic, prometheus.CounterValue, u.local, "local")
	}
}
