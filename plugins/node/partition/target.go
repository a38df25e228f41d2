package partition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/layout"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// target is the state that the wanted partitions ask for, given the groups that are there. The kept groups of ours stay as they are.
func target(c schemata.Capacity, have schemata.State, partitions []Partition, kept []string) (schemata.State, error) {
	want := have.Clone()
	for _, g := range have.Groups {
		if schemata.Owned(g.Name) && !slices.Contains(kept, g.Name) {
			want.Drop(g.Name)
		}
	}
	for _, p := range partitions {
		g, ok := have.Group(p.group())
		if ok && g.Mode != "" && g.Mode != "shareable" {
			return schemata.State{}, fmt.Errorf("%w: group %s is in mode %s: write shareable to its file mode first", ErrInvalid, g.Name, g.Mode)
		}
		s := schemata.Values{}
		if err := limits(c, p, g, s); err != nil {
			return schemata.State{}, err
		}
		g.Name, g.Schemata = p.group(), s
		want.Put(g)
	}
	if err := budget(c, have, want); err != nil {
		return schemata.State{}, err
	}
	return want, masks(c, have, partitions, want)
}

// budget checks the classes: one for the default group, one for each group of others, and one left free, so that another manager or an
// operator can still make a group.
func budget(c schemata.Capacity, have, want schemata.State) error {
	ours := 0
	for _, g := range want.Groups {
		if schemata.Owned(g.Name) {
			ours++
		}
	}
	foreign := have.Foreign()
	room := c.Classes() - 1 - len(foreign) - 1
	if ours == 0 || ours <= room {
		return monitors(c, want)
	}
	if len(c.Resources) == 0 {
		return fmt.Errorf("%w: it divides neither caches nor memory bandwidth", ErrInvalid)
	}
	others := "no group of others"
	if len(foreign) > 0 {
		others = fmt.Sprintf("%d groups of others (%s)", len(foreign), strings.Join(foreign, ", "))
	}
	return fmt.Errorf("%w: %d partitions, room for %d: the machine has %d classes, of which 1 for the default group, %s, 1 left free",
		ErrNoClass, ours, max(room, 0), c.Classes(), others)
}

// monitors checks that each group, control or monitor, can have its RMID.
func monitors(c schemata.Capacity, want schemata.State) error {
	if c.Monitoring == nil {
		return nil
	}
	n := len(want.Groups)
	for _, g := range want.Groups {
		n += len(g.Monitors)
	}
	if n > c.Monitoring.RMIDs {
		return fmt.Errorf("%w: %d control and monitor groups, %d monitoring ids (RMIDs): remove monitor groups", ErrNoClass, n,
			c.Monitoring.RMIDs)
	}
	return nil
}

// masks lays out every cache in every domain and states the masks in want.
func masks(c schemata.Capacity, have schemata.State, partitions []Partition, want schemata.State) error {
	names := make([]string, len(partitions))
	for i, p := range partitions {
		names[i] = p.Name
	}
	wanted, err := requests(c, have, partitions)
	if err != nil {
		return err
	}
	for _, f := range wanted {
		if f.Lost() {
			continue // not stated: as it is
		}
		if err := f.Place(names); err != nil {
			return err
		}
		for _, r := range f.Requests {
			g, _ := want.Group(partitions[r.Partition].group())
			for _, name := range r.Resources {
				g.Schemata.Set(name, f.Domain, r.Mask)
			}
		}
	}
	return nil
}

// fields are the caches' parts that are wanted, in a fixed order.
type fields struct {
	list  []*layout.Field
	index map[string]*layout.Field
}

// requests collects what is wanted, cache by cache and domain by domain.
func requests(c schemata.Capacity, have schemata.State, partitions []Partition) ([]*layout.Field, error) {
	all := fields{index: map[string]*layout.Field{}}
	for i, p := range partitions {
		g, _ := have.Group(p.group())
		for _, w := range p.Ways {
			if err := checkWays(p, w); err != nil {
				return nil, err
			}
			found := covered(c, w.Cache)
			if len(found) == 0 || found[0].Cache == nil {
				return nil, fmt.Errorf("%w: %s: this machine does not divide cache %q: it divides %s", ErrInvalid, p.Name, w.Cache, divides(c))
			}
			domains, err := domainsOf(p.Name, found[0], w.Domains)
			if err != nil {
				return nil, err
			}
			q := layout.Request{Partition: i, From: w.From, To: w.To, Count: w.Count, Shared: w.Shared}
			for _, d := range domains {
				if err := all.ask(have, g, found, d, q); err != nil {
					return nil, fmt.Errorf("%s: %w", p.Name, err)
				}
			}
		}
		if p.Name != schemata.DefaultGroup { // which keeps what it has, and shares it with all
			all.withoutWish(c, have, g, i)
		}
	}
	return all.list, nil
}

// withoutWish adds the parts of caches that the partition says nothing about.
func (all *fields) withoutWish(c schemata.Capacity, have schemata.State, g schemata.Group, partition int) {
	for _, r := range c.Resources {
		if r.Cache == nil {
			continue
		}
		for _, d := range r.Domains {
			f := all.field(have, r, d)
			if !f.Asked(partition, r.Name) {
				add(f, g, r, layout.Request{Partition: partition, Rest: true})
			}
		}
	}
}

// ask adds a request for one domain, on one resource or on code and data.
func (all *fields) ask(have schemata.State, g schemata.Group, resources []schemata.Resource, domain int, q layout.Request) error {
	f := all.field(have, resources[0], domain)
	for _, r := range resources {
		if f.Asked(q.Partition, r.Name) {
			return fmt.Errorf("%w: %s domain %d is given twice", ErrInvalid, r.Name, domain)
		}
	}
	add(f, g, resources[0], q)
	for _, r := range resources[1:] {
		last := &f.Requests[len(f.Requests)-1]
		last.Resources = append(last.Resources, r.Name)
	}
	return nil
}

// field is the cache of a resource in a domain.
func (all *fields) field(have schemata.State, r schemata.Resource, domain int) *layout.Field {
	name := r.CacheName()
	key := fmt.Sprintf("%s:%d", name, domain)
	if f, ok := all.index[key]; ok {
		return f
	}
	f := &layout.Field{Name: name, Domain: domain, Cache: *r.Cache, Occupied: exclusive(have, name, domain)}
	all.index[key] = f
	all.list = append(all.list, f)
	return f
}

// add adds a request for one resource, with the mask that the group has now.
func add(f *layout.Field, g schemata.Group, r schemata.Resource, q layout.Request) {
	q.Resources = []string{r.Name}
	q.Present, _ = g.Schemata.Value(r.Name, f.Domain)
	f.Requests = append(f.Requests, q)
}

// exclusive are the ways that groups of others hold for themselves alone.
func exclusive(have schemata.State, cache string, domain int) uint32 {
	var mask uint32
	for _, g := range have.Groups {
		if !schemata.Owned(g.Name) && g.Exclusive() {
			mask |= g.Schemata.Ways(cache, domain)
		}
	}
	return mask
}

// divides lists what the machine divides.
func divides(c schemata.Capacity) string {
	if len(c.Resources) == 0 {
		return "nothing"
	}
	var names []string
	for _, r := range c.Resources {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}
