package plan

import (
	"encoding/binary"
	"math"
	"slices"
)

// group is nodes that cannot be told apart by these pods.
type group struct {
	nodes   []string // in the order of names
	free    []int64
	allowed []bool
	worth   *worth
}

// grouped puts the nodes in groups, in the order of each group's first name. Nodes that take no pod at all are left out.
func grouped(in Input) []*group {
	round := roundings(in.Kinds)
	var groups []*group
	byKey := map[string]*group{}
	for _, n := range in.Nodes {
		free := make([]int64, len(n.Free))
		for r := range free {
			free[r] = round[r].apply(n.Free[r])
		}
		allowed := make([]bool, len(in.Kinds))
		for k := range allowed {
			allowed[k] = (n.Allowed == nil || n.Allowed[k]) && fits(in.Kinds[k].Size, free)
		}
		if !slices.Contains(allowed, true) {
			continue
		}
		key := keyOf(free, allowed, n)
		g := byKey[key]
		if g == nil {
			g = &group{free: free, allowed: allowed, worth: newWorth(in, n)}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.nodes = append(g.nodes, n.Name)
	}
	return groups
}

func fits(size, free []int64) bool {
	for r, s := range size {
		if s > 0 && s > free[r] {
			return false
		}
	}
	return true
}

// rounding makes free amounts of one resource equal where no set of the pods can tell them apart: more than all of them together
// request is as good as just that, and what is left below the greatest common divisor of their requests is of no use.
type rounding struct{ divisor, total int64 }

func roundings(kinds []Kind) []rounding {
	if len(kinds) == 0 {
		return nil
	}
	round := make([]rounding, len(kinds[0].Size))
	for _, k := range kinds {
		for r, size := range k.Size {
			if len(k.Pods) == 0 || size == 0 {
				continue
			}
			round[r].divisor = gcd(size, round[r].divisor)
			if pods := int64(len(k.Pods)); size > (math.MaxInt64-round[r].total)/pods {
				round[r].total = math.MaxInt64
			} else {
				round[r].total += size * pods
			}
		}
	}
	return round
}

func (r rounding) apply(free int64) int64 {
	if r.divisor == 0 {
		return 0 // nobody requests it, so that an overcommitted node is as good as any
	}
	free = max(0, min(free, r.total))
	return free - free%r.divisor
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// keyOf is equal for nodes that cannot be told apart.
func keyOf(free []int64, allowed []bool, n Node) string {
	var b []byte
	for _, f := range free {
		b = binary.AppendVarint(b, f)
	}
	for _, a := range allowed {
		if a {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	for _, l := range n.Present {
		b = binary.AppendVarint(b, int64(l.Class))
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(l.Units))
	}
	for _, count := range n.Profiles {
		b = binary.AppendVarint(b, int64(count))
	}
	return string(b) + n.Setting
}
