package partition

import (
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// TestWaitingInDifferentDomains: in domain 0, a goes to the ways that b leaves; in domain 1, b goes to those that a leaves. Neither can be
// written as a whole first. a goes on in domain 1 alone, then b in both, then a in domain 0: nobody shares at any time.
func TestWaitingInDifferentDomains(t *testing.T) {
	c := schemata.Capacity{Resources: []schemata.Resource{l3("L3", 4, 0xff, 0, 1, upTo(2))}}
	s := with(fresh(c), schemata.Group{Name: "ballast-a", Tasks: 1, Schemata: schemata.Values{"L3": {0: 0x03, 1: 0x0c}}})
	s = with(s, schemata.Group{Name: "ballast-b", Tasks: 1, Schemata: schemata.Values{"L3": {0: 0x0c, 1: 0x03}}})
	ways := func(domain, from int) Ways {
		return Ways{Cache: "L3", Domains: []int{domain}, From: from, To: from + 2}
	}
	wish := []Partition{{Name: "a", Ways: []Ways{ways(0, 2), ways(1, 4)}}, {Name: "b", Ways: []Ways{ways(0, 4), ways(1, 2)}}}
	p, err := New(c, s, wish, false)
	if err != nil {
		t.Fatal(err)
	}
	walk(t, p, wish)
	if len(p.Operations) != 3 || strings.Contains(p.String(), "change places") {
		t.Errorf("want 3 writes without a note:\n%s", p)
	}
}
