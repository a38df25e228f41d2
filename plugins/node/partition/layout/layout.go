package layout

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// ErrNoWays is that the ways do not suffice, or not in one run.
var ErrNoWays = errors.New("not enough ways")

// Request is one partition's part of one cache in one domain: the ways From up to and without To, or Count ways to place, or with Rest what
// nobody else holds.
type Request struct {
	Partition int      // index in the list of wanted partitions
	Resources []string // the lines of schemata that take the mask: one, or code and data
	From, To  int
	Count     int
	Rest      bool
	Shared    bool   // the ways may be another's too that is shared
	Present   uint32 // the mask that the group has now, 0 if it has none
	Mask      uint32 // the answer
}

// Field is one cache in one domain with all that is wanted of it.
type Field struct {
	Name     string // of the cache: L3
	Domain   int
	Cache    schemata.Cache
	Occupied uint32 // ways that another group holds exclusively: the kernel refuses to share them
	Requests []Request
}

// Asked says whether a partition has a request for a resource already.
func (f *Field) Asked(partition int, resource string) bool {
	return slices.ContainsFunc(f.Requests, func(r Request) bool {
		return r.Partition == partition && slices.Contains(r.Resources, resource)
	})
}

// Lost says that others hold all ways for themselves, as after a cache went and came back, when every group may use all of it: the kernel then
// takes no mask, and no plan can do anything but leave the domain as it is.
func (f *Field) Lost() bool { return f.position(f.Cache.Least(), f.Occupied, 0) == 0 }

// Place decides the masks of all requests, or says with [ErrNoWays] for whom there is no room; names are those of the partitions. Ranges come
// first; then what has its width already and can stay; then the others in the order of the list, each where it keeps most of its present
// ways, else on the side away from the ways that devices share. Where that leaves no run for one of them, all are laid out anew by a search.
func (f *Field) Place(names []string) error {
	for i := range f.Requests {
		if err := f.placeRange(i, names); err != nil {
			return err
		}
	}
	order := f.floating()
	failed := f.placeAll(order)
	if failed >= 0 {
		for _, i := range order {
			f.Requests[i].Mask, f.Requests[i].Present = 0, 0
		}
		slices.SortStableFunc(order, f.harder)
		tries := maxTries
		if f.search(order, &tries) {
			failed = -1
		}
	}
	if failed >= 0 {
		r := f.Requests[failed]
		return fmt.Errorf("%w: %s: no run of %d ways is left in %s domain %d: its %d ways hold %s", ErrNoWays, names[r.Partition], r.Count,
			f.Name, f.Domain, f.Cache.Ways(), f.holders(names))
	}
	return f.placeRest(names)
}

// placeRange takes a wanted range as it is.
func (f *Field) placeRange(i int, names []string) error {
	r := &f.Requests[i]
	switch {
	case r.Rest:
		return nil
	case r.Count > 0:
		if r.Count < f.Cache.Least() || r.Count > f.Cache.Ways() {
			return fmt.Errorf("%w: %s: %d ways of %s: the machine takes %d to %d", ErrNoWays, names[r.Partition], r.Count, f.Name,
				f.Cache.Least(), f.Cache.Ways())
		}
		return nil
	case r.To > f.Cache.Ways() || r.To-r.From < f.Cache.Least():
		return fmt.Errorf("%w: %s: ways %d up to %d of %s: the machine has ways 0 up to %d and takes at least %d of them", ErrNoWays,
			names[r.Partition], r.From, r.To, f.Name, f.Cache.Ways(), f.Cache.Least())
	}
	mask := schemata.Run(r.From, r.To)
	if meets := mask & f.Occupied; meets != 0 {
		return fmt.Errorf("%w: %s: ways %s of %s domain %d belong to a group of another manager in mode exclusive", ErrNoWays,
			names[r.Partition], schemata.WayRanges(meets), f.Name, f.Domain)
	}
	for _, o := range f.Requests {
		if meets := mask & o.Mask; meets != 0 && o.Partition != r.Partition && (!r.Shared || !o.Shared) {
			return fmt.Errorf("%w: %s and %s both want ways %s of %s domain %d: give them different ways, or mark both as shared", ErrNoWays,
				names[o.Partition], names[r.Partition], schemata.WayRanges(meets), f.Name, f.Domain)
		}
	}
	r.Mask = mask
	return nil
}

// floating are the requests for a count, those first that already have their width.
func (f *Field) floating() []int {
	var stay, move []int
	for i, r := range f.Requests {
		switch {
		case r.Count == 0:
		case schemata.IsRun(r.Present) && bits.OnesCount32(r.Present) == r.Count:
			stay = append(stay, i)
		default:
			move = append(move, i)
		}
	}
	return append(stay, move...)
}

// placeAll returns the request for which there is no room, or -1.
func (f *Field) placeAll(order []int) int {
	for _, i := range order {
		r := &f.Requests[i]
		r.Mask = f.position(r.Count, f.blocked(i), r.Present)
		if r.Mask == 0 {
			return i
		}
	}
	return -1
}

// blocked are the ways that a request may not have.
func (f *Field) blocked(i int) uint32 {
	mask := f.Occupied
	for _, o := range f.Requests {
		if o.Partition != f.Requests[i].Partition && (!f.Requests[i].Shared || !o.Shared) {
			mask |= o.Mask
		}
	}
	return mask
}

// maxTries bounds the search. Half a dozen partitions beside a few fixed ranges take some hundreds.
const maxTries = 100_000

// search places the requests of order so that all have room, if that can be: each at one end of a free run, since any layout can be pushed
// to the ends. It is false if there is no such layout, or none was found in the bounded number of tries.
func (f *Field) search(order []int, tries *int) bool {
	if len(order) == 0 {
		return true
	}
	r := &f.Requests[order[0]]
	blocked := f.blocked(order[0])
	for _, from := range f.starts(r.Count) {
		m := schemata.Run(from, from+r.Count)
		edges := uint64(blocked)<<1 | 1 | uint64(1)<<(f.Cache.Ways()+1) // one lower and one higher way, which nobody may have
		atEnd := edges>>from&1 == 1 || edges>>(from+r.Count+1)&1 == 1
		if m&blocked != 0 || !atEnd {
			continue
		}
		if *tries--; *tries < 0 {
			return false
		}
		r.Mask = m
		if f.search(order[1:], tries) {
			return true
		}
		r.Mask = 0
	}
	return false
}

// harder sorts what is harder to place first: what is not shared, then what is wide.
func (f *Field) harder(a, b int) int {
	ra, rb := f.Requests[a], f.Requests[b]
	switch {
	case ra.Shared == rb.Shared:
		return rb.Count - ra.Count
	case ra.Shared:
		return 1
	}
	return -1
}

// position is the run of so many ways outside blocked that keeps most of present; 0 if there is none.
func (f *Field) position(count int, blocked, present uint32) uint32 {
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
func (f *Field) starts(count int) []int {
	starts := make([]int, 0, f.Cache.Ways())
	for s := 0; s+count <= f.Cache.Ways(); s++ {
		starts = append(starts, s)
	}
	top := uint32(1) << (f.Cache.Ways() - 1)
	if f.Cache.Shareable&1 != 0 && f.Cache.Shareable&top == 0 {
		slices.Reverse(starts)
	}
	return starts
}

// placeRest gives the requests without a wish the longest run that nobody holds; all of them get the same.
func (f *Field) placeRest(names []string) error {
	held := f.Occupied
	for _, r := range f.Requests {
		held |= r.Mask
	}
	var rest uint32
	for n := f.Cache.Ways(); n >= f.Cache.Least() && rest == 0; n-- {
		rest = f.position(n, held, 0)
	}
	for i := range f.Requests {
		r := &f.Requests[i]
		if !r.Rest {
			continue
		}
		if rest == 0 {
			return fmt.Errorf("%w: %s wants no ways of %s, and no %d ways are left in domain %d, which hold %s: give it ways, shared with "+
				"another if need be", ErrNoWays, names[r.Partition], f.Name, f.Cache.Least(), f.Domain, f.holders(names))
		}
		r.Mask = rest
	}
	return nil
}

// holders says who holds which ways.
func (f *Field) holders(names []string) string {
	var parts []string
	for _, r := range f.Requests {
		if r.Mask != 0 && !r.Rest {
			parts = append(parts, fmt.Sprintf("%s %s", names[r.Partition], schemata.WayRanges(r.Mask)))
		}
	}
	if f.Occupied != 0 {
		parts = append(parts, "groups of others in mode exclusive "+schemata.WayRanges(f.Occupied))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
