package partition

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/partition/layout"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Errors that a caller may tell apart with errors.Is. The texts around them name the partition and what to change.
var (
	// ErrInvalid: the wanted partitions contradict each other or the machine.
	ErrInvalid = errors.New("wanted partitions are not possible on this machine")
	// ErrNoClass: the machine does not tell that many groups apart, given the groups that others hold.
	ErrNoClass = errors.New("not enough resource classes (CLOSIDs)")
	// ErrNoWays: the ways do not suffice, or not in one run.
	ErrNoWays = layout.ErrNoWays
	// ErrUnit: a limit is given in a unit that needs the peak bandwidth of a domain to be converted.
	ErrUnit = errors.New("the peak bandwidth is not known")
)

// Partition is one wanted control group.
type Partition struct {
	// Name without Prefix: lower-case letters, digits and inner hyphens, at most 63; or DefaultGroup, which is never created or removed.
	Name string
	// Ways of caches. Without an entry for a cache the partition gets the longest run of ways that no other partition holds; the default
	// group keeps what it has.
	Ways []Ways
	// Bandwidth limits. Without an entry there is none; the default group keeps what it has.
	Bandwidth []Limit
}

// Ways is a part of a cache: either Count ways, which the planner places, or the ways From up to and without To.
type Ways struct {
	// Cache is L3 or L2, or with code and data apart also L3CODE, L3DATA, L2CODE, L2DATA; L3 then means both.
	Cache string
	// Domains are cache ids; none means all.
	Domains []int
	// Count is how many ways, from 1 (or the machine's least) to all.
	Count int
	// From and To are numbered from the lowest bit of the mask.
	From, To int
	// Shared ways may be given to another partition too, if both say so.
	Shared bool
}

// Limit is an upper bound of memory bandwidth: either Percent or MBps.
type Limit struct {
	// Resource is MB or SMBA.
	Resource string
	// Domains are cache ids; none means all.
	Domains []int
	// Percent of what the domain can do, 1 to 100; 100 is no limit.
	Percent int
	// MBps is 10^6 bytes a second for each domain.
	MBps int
}

// maxPartitions bounds the input; no processor has more than 64 classes.
const maxPartitions = 256

var partitionName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// group is the directory of the partition.
func (p Partition) group() string {
	if p.Name == schemata.DefaultGroup {
		return schemata.DefaultGroup
	}
	return schemata.Prefix + p.Name
}

// checkNames reports what is wrong with the list without looking at the machine.
func checkNames(partitions []Partition) error {
	if len(partitions) > maxPartitions {
		return fmt.Errorf("%w: %d partitions, at most %d", ErrInvalid, len(partitions), maxPartitions)
	}
	seen := map[string]bool{}
	for _, p := range partitions {
		if p.Name != schemata.DefaultGroup && !partitionName.MatchString(p.Name) {
			return fmt.Errorf("%w: name %q: use at most 63 lower-case letters, digits and inner hyphens", ErrInvalid, p.Name)
		}
		if seen[p.Name] {
			return fmt.Errorf("%w: name %q stands twice", ErrInvalid, p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}

// checkWays reports an entry that cannot be right on any machine.
func checkWays(p Partition, w Ways) error {
	ranged := w.From != 0 || w.To != 0
	switch {
	case ranged == (w.Count != 0):
		return fmt.Errorf("%w: %s: %s: give either a count of ways or a range from and to", ErrInvalid, p.Name, w.Cache)
	case ranged && (w.From < 0 || w.To <= w.From):
		return fmt.Errorf("%w: %s: %s: range from %d to %d is empty: to is the first way that does not belong to it",
			ErrInvalid, p.Name, w.Cache, w.From, w.To)
	case !ranged && w.Count < 0:
		return fmt.Errorf("%w: %s: %s: %d ways", ErrInvalid, p.Name, w.Cache, w.Count)
	}
	return nil
}

// covered are the resources that a name in a wish means: itself, or with code and data apart both of them.
func covered(c schemata.Capacity, name string) []schemata.Resource {
	var out []schemata.Resource
	for _, r := range c.Resources {
		if r.Name == name || r.Cache != nil && r.CacheName() == name {
			out = append(out, r)
		}
	}
	return out
}

// domainsOf are the domains that a wish means on a resource.
func domainsOf(partition string, r schemata.Resource, wanted []int) ([]int, error) {
	if len(wanted) == 0 {
		return r.Domains, nil
	}
	for i, d := range wanted {
		if !slices.Contains(r.Domains, d) {
			return nil, fmt.Errorf("%w: %s: %s has no domain %d: it has %s", ErrInvalid, partition, r.Name, d, schemata.Ranges(r.Domains))
		}
		if slices.Contains(wanted[:i], d) {
			return nil, fmt.Errorf("%w: %s: %s: domain %d stands twice", ErrInvalid, partition, r.Name, d)
		}
	}
	return wanted, nil
}
