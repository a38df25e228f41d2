package graphpattern

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
)

// Label is an operation of a service. The service is callgraph.Unknown where it sends no spans.
type Label struct {
	Service   int
	Operation string
}

// Form says what the parts of a Node are.
type Form uint8

// The forms of nodes.
const (
	Call     Form = iota // a call; its parts are what it waits for, one after the other
	Series               // a branch of several calls, one after the other
	Parallel             // branches side by side: the whole takes as long as the longest
)

// Part is a node as often as its bucket says.
type Part struct {
	Node   int // index in Book.Nodes
	Bucket Bucket
}

// Node is one signature, of a call or a group of calls.
type Node struct {
	Form       Form
	Label      int    // index in Book.Labels; of a Call
	Parts      []Part // in the order of the first request that had it
	Background []Part // calls that a Call does not wait for
}

// Bucket is a range of counts: 1, 2, 3–4, 5–8 and so on.
type Bucket uint8

// bucketOf is the bucket of a count of 1 or more.
func bucketOf(n int) Bucket { return Bucket(bits.Len(uint(n - 1))) }

// Range returns the least and the largest count of the bucket.
func (b Bucket) Range() (least, most int) {
	if b == 0 {
		return 1, 1
	}
	return 1<<(b-1) + 1, 1 << b
}

// String is ×2 or ×3–4, and empty for once.
func (b Bucket) String() string {
	least, most := b.Range()
	switch {
	case most == 1:
		return ""
	case least == most:
		return "×" + strconv.Itoa(most)
	default:
		return "×" + strconv.Itoa(least) + "–" + strconv.Itoa(most)
	}
}

// gather counts equal nodes, in order of first appearance.
func gather(nodes []int) []Part {
	if len(nodes) == 0 {
		return nil
	}
	counts := make(map[int]int, len(nodes))
	var order []int
	for _, n := range nodes {
		if counts[n] == 0 {
			order = append(order, n)
		}
		counts[n]++
	}
	parts := make([]Part, len(order))
	for i, n := range order {
		parts[i] = Part{n, bucketOf(counts[n])}
	}
	return parts
}

// key tells nodes apart, regardless of the order of their parts.
func (n *Node) key() string {
	key := binary.AppendUvarint([]byte{byte(n.Form)}, uint64(n.Label))
	for _, parts := range [][]Part{n.Parts, n.Background} {
		sorted := slices.SortedFunc(slices.Values(parts), func(a, b Part) int { return a.Node - b.Node })
		key = binary.AppendUvarint(key, uint64(len(sorted)))
		for _, p := range sorted {
			key = append(binary.AppendUvarint(key, uint64(p.Node)), byte(p.Bucket))
		}
	}
	return string(key)
}
