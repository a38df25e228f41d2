package meter

import (
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// totals are what is kept of a container.
type totals struct {
	last         map[string][]values // by folder
	total, local *uint64
}

// values are the last valid ones of a folder in a domain.
type values struct {
	domain       int
	total, local resctrl.Reading
}

// rename gives the only folder, if it is below another control group than before, what is known of it.
func (t *totals) rename(before, now []*folder) {
	if len(before) == 1 && len(now) == 1 && before[0].name != now[0].name {
		t.last = map[string][]values{now[0].name: t.last[before[0].name]}
	}
}

// count adds what the counters grew by.
func (t *totals) count(folders []*folder) {
	last := make(map[string][]values, len(folders))
	for _, f := range folders {
		now := make([]values, len(f.counters))
		for i, c := range f.counters {
			was := valuesOf(t.last[f.name], c.Domain, i)
			now[i] = values{c.Domain, counted(&t.total, was.total, c.Total), counted(&t.local, was.local, c.Local)}
		}
		last[f.name] = now
	}
	t.last = last
}

// valuesOf are those of a domain, which are probably at that place.
func valuesOf(list []values, domain, probably int) values {
	if probably < len(list) && list[probably].domain == domain {
		return list[probably]
	}
	for _, v := range list {
		if v.domain == domain {
			return v
		}
	}
	return values{}
}

// counted adds what a counter grew by since its last valid value, all of it if it is new or began anew. It returns what is the last valid value
// now.
func counted(sum **uint64, was, is resctrl.Reading) resctrl.Reading {
	if is.State != resctrl.Valid {
		return was
	}
	if *sum == nil {
		*sum = new(uint64)
	}
	if was.State == resctrl.Valid && was.Value <= is.Value {
		**sum += is.Value - was.Value
	} else {
		**sum += is.Value
	}
	return is
}

// domains adds up a container's folders in each domain.
func domains(now, before []*folder, interval time.Duration) []Domain {
	ids := idsOf(now)
	out := make([]Domain, len(ids))
	steady := same(now, before)
	for i, id := range ids {
		out[i] = Domain{ID: id, Occupancy: sum(now, id, i, occupancy), Total: sum(now, id, i, total), Local: sum(now, id, i, local)}
		if steady {
			out[i].TotalRate, out[i].LocalRate = rateOf(now, before, id, i, total, interval), rateOf(now, before, id, i, local, interval)
		}
	}
	return out
}

// idsOf are the domains of some folders, ascending.
func idsOf(folders []*folder) []int {
	var out []int
	for _, f := range folders {
		for _, c := range f.counters {
			out = append(out, c.Domain)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// same says whether the folders are those of before. A single one may have another control group.
func same(now, before []*folder) bool {
	return len(now) == len(before) &&
		(len(now) == 1 || slices.EqualFunc(now, before, func(a, b *folder) bool { return a.name == b.name }))
}

// rateOf is the sum of the folders' rates in a domain; nil if one of them has none.
func rateOf(now, before []*folder, domain, probably int, of kind, interval time.Duration) *float64 {
	all := 0.0
	for i := range now {
		r := rate(of(before[i].in(domain, probably)), of(now[i].in(domain, probably)), interval)
		if r == nil {
			return nil
		}
		all += *r
	}
	return &all
}

// sum is valid if all folders' counters are; else it has the state of one that is not.
func sum(folders []*folder, domain, probably int, of kind) resctrl.Reading {
	all := resctrl.Reading{State: resctrl.Valid}
	for _, f := range folders {
		r := of(f.in(domain, probably))
		if r.State != resctrl.Valid {
			return resctrl.Reading{State: r.State}
		}
		all.Value += r.Value
	}
	return all
}
