package partition

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// request is one partition's part of one cache in one domain.
type request struct {
	partition int      // index in the list of wanted partitions
	resources []string // the lines of schemata that take the mask: one, or code and data
	from, to  int      // fixed range, or
	count     int      // number of ways to place, or
	rest      bool     // what nobody else holds
	shared    bool
	present   uint32 // the mask that the group has now, 0 if it has none
	mask      uint32 // the answer
}

// field is one cache in one domain with all that is wanted of it.
type field struct {
	name     string // of the cache: L3
	domain   int
	cache    schemata.Cache
	occupied uint32 // ways that another group holds exclusively: the kernel refuses to share them
	requests []request
}

// place decides the masks of all requests. Ranges come first; then what has its width already and can stay; then the others in the order
// of the list, each where it keeps most of its present ways, else on the side away from the ways that devices share. Where that leaves
// no run for one of them, all are laid out anew by a search.
func (f *field) place(names []string) error {
	for i := range f.requests {
		if err := f.placeRange(i, names); err != nil {
			return err
		}
	}
	order := f.floating()
	failed := f.placeAll(order)
	if failed >= 0 {
		for _, i := range order {
			f.requests[i].mask, f.requests[i].present = 0, 0
		}
		slices.SortStableFunc(order, f.harder)
		tries := maxTries
		if f.search(order, &tries) {
			failed = -1
		}
	}
	if failed >= 0 {
		r := f.requests[failed]
		return fmt.Errorf("%w: %s: no run of %d ways is left in %s domain %d: its %d ways hold %s", ErrNoWays, names[r.partition], r.count,
			f.name, f.domain, f.cache.Ways(), f.holders(names))
	}
	return f.placeRest(names)
}

// placeRange takes a wanted range as it is.
func (f *field) placeRange(i int, names []string) error {
	r := &f.requests[i]
	switch {
	case r.rest:
		return nil
	case r.count > 0:
		if r.count < f.cache.Least() || r.count > f.cache.Ways() {
			return fmt.Errorf("%w: %s: %d ways of %s: the machine takes %d to %d", ErrNoWays, names[r.partition], r.count, f.name,
				f.cache.Least(), f.cache.Ways())
		}
		return nil
	case r.to > f.cache.Ways() || r.to-r.from < f.cache.Least():
		return fmt.Errorf("%w: %s: ways %d up to %d of %s: the machine has ways 0 up to %d and takes at least %d of them", ErrNoWays,
			names[r.partition], r.from, r.to, f.name, f.cache.Ways(), f.cache.Least())
	}
	mask := schemata.Run(r.from, r.to)
	if meets := mask & f.occupied; meets != 0 {
		return fmt.Errorf("%w: %s: ways %s of %s domain %d belong to a group of another manager in mode exclusive", ErrNoWays,
			names[r.partition], schemata.WayRanges(meets), f.name, f.domain)
	}
	for _, o := range f.requests {
		if meets := mask & o.mask; meets != 0 && o.partition != r.partition && (!r.shared || !o.shared) {
			return fmt.Errorf("%w: %s and %s both want ways %s of %s domain %d: give them different ways, or mark both as shared", ErrNoWays,
				names[o.partition], names[r.partition], schemata.WayRanges(meets), f.name, f.domain)
		}
	}
	r.mask = mask
	return nil
}

// floating are the requests for a count, those first that already have their width.
func (f *field) floating() []int {
	var stay, move []int
	for i, r := range f.requests {
		switch {
		case r.count == 0:
		case schemata.IsRun(r.present) && bits.OnesCount32(r.present) == r.count:
			stay = append(stay, i)
		default:
			move = append(move, i)
		}
	}
	return append(stay, move...)
}

// placeAll returns the request for which there is no room, or -1.
func (f *field) placeAll(order []int) int {
	for _, i := range order {
		r := &f.requests[i]
		r.mask = f.position(r.count, f.blocked(i), r.present)
		if r.mask == 0 {
			return i
		}
	}
	return -1
}

// blocked are the ways that a request may not have.
func (f *field) blocked(i int) uint32 {
	mask := f.occupied
	for _, o := range f.requests {
		if o.partition != f.requests[i].partition && (!f.requests[i].shared || !o.shared) {
			mask |= o.mask
		}
	}
	return mask
}

// maxTries bounds the search. Half a dozen partitions beside a few fixed ranges take some hundreds.
const maxTries = 100_000

// search places the requests of order so that all have room, if that can be: each at one end of a free run, since any layout can be pushed
// to the ends. It is false if there is no such layout, or none was found in the bounded number of tries.
func (f *field) search(order []int, tries *int) bool {
	if len(order) == 0 {
		return true
	}
	r := &f.requests[order[0]]
	blocked := f.blocked(order[0])
	for _, from := range f.starts(r.count) {
		m := schemata.Run(from, from+r.count)
		edges := uint64(blocked)<<1 | 1 | uint64(1)<<(f.cache.Ways()+1) // one lower and one higher way, which nobody may have
		atEnd := edges>>from&1 == 1 || edges>>(from+r.count+1)&1 == 1
		if m&blocked != 0 || !atEnd {
			continue
		}
		if *tries--; *tries < 0 {
			return false
		}
		r.mask = m
		if f.search(order[1:], tries) {
			return true
		}
		r.mask = 0
	}
	return false
}

// harder sorts what is harder to place first: what is not shared, then what is wide.
func (f *field) harder(a, b int) int {
	ra, rb := f.requests[a], f.requests[b]
	switch {
	case ra.shared == rb.shared:
		return rb.count - ra.count
	case ra.shared:
		return 1
	}
	return -1
}

// position is the run of so many ways outside blocked that keeps most of present; 0 if there is none.
func (f *field) position(count int, blocked, present uint32) uint32 {
	best, kept := uint32(0), -1
	for _, from := range f.starts(count) {
		m := schemata.Run(from, from+count)
		if k := bits.OnesCount32(m & present); m&blocked == 0 && k > kept {
			best, kept = m, k
		}
	}
	return best
}

// starts are the lowest ways of all runs of that length, those away from the ways that devices share first.
func (f *field) starts(count int) []int {
	starts := make([]int, 0, f.cache.Ways())
	for s := 0; s+count <= f.cache.Ways(); s++ {
		starts = append(starts, s)
	}
	top := uint32(1) << (f.cache.Ways() - 1)
	if f.cache.Shareable&1 != 0 && f.cache.Shareable&top == 0 {
		slices.Reverse(starts)
	}
	return starts
}

// placeRest gives the requests without a wish the longest run that nobody holds; all of them get the same.
func (f *field) placeRest(names []string) error {
	held := f.occupied
	for _, r := range f.requests {
		held |= r.mask
	}
	var rest uint32
	for n := f.cache.Ways(); n >= f.cache.Least() && rest == 0; n-- {
		rest = f.position(n, held, 0)
	}
	for i := range f.requests {
		r := &f.requests[i]
		if !r.rest {
			continue
		}
		if rest == 0 {
			return fmt.Errorf("%w: %s wants no ways of %s, and no %d ways are left in domain %d, which hold %s: give it ways, shared with "+
				"another if need be", ErrNoWays, names[r.partition], f.name, f.cache.Least(), f.domain, f.holders(names))
		}
		r.mask = rest
	}
	return nil
}

// holders says who holds which ways.
func (f *field) holders(names []string) string {
	var parts []string
	for _, r := range f.requests {
		if r.mask != 0 && !r.rest {
			parts = append(parts, fmt.Sprintf("%s %s", names[r.partition], schemata.WayRanges(r.mask)))
		}
	}
	if f.occupied != 0 {
		parts = append(parts, "groups of others in mode exclusive "+schemata.WayRanges(f.occupied))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
