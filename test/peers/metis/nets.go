package metis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Shapes of the published nets.
const (
	classes = 7
	fan     = 3 // groups that a net chooses among
	hidden  = 128
	inputs  = fan*classes + 1 + classes
	bins    = 20
	binSize = 10 // containers that one bin spans
	levels  = 3

	netSize = inputs*hidden + hidden + hidden*fan + fan
)

// net is one hidden layer of tanh and a linear output; the softmax on top does not change which output is largest. Fields are in the
// order of the file.
type net struct {
	W1 [inputs][hidden]float32
	B1 [hidden]float32
	W2 [hidden][fan]float32
	B2 [fan]float32
}

// Nets are the sub-schedulers of 27 nodes, by bin of batch size and level of the tree.
type Nets struct{ nets [bins][levels]net }

// ReadNets reads subscheduler_weights.f32le: for each of 20 bins (1 to 10 containers, 11 to 20, ..., over 190) and each of the three
// levels W1[29][128], b1[128], W2[128][3], b2[3] as little-endian float32, row by row.
func ReadNets(r io.Reader) (*Nets, error) {
	n := new(Nets)
	if err := binary.Read(r, binary.LittleEndian, &n.nets); err != nil {
		return nil, fmt.Errorf("reading the nets: %w; expected %d little-endian float32", err, bins*levels*netSize)
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the nets go on after %d float32, expected their end (%w)", bins*levels*netSize, err)
	}
	return n, nil
}

// bin is the bin of a batch of so many containers: Metis' min(floor((n−1)/10), 19).
func bin(containers int) int { return min((containers-1)/binSize, bins-1) }

// choose returns the group with the largest output, the first of equals as numpy's argmax.
func (n *net) choose(x *[inputs]float32) int {
	sums := n.B1
	for i, v := range x {
		if v == 0 {
			continue
		}
		for h := range sums {
			sums[h] += v * n.W1[i][h]
		}
	}
	out := n.B2
	for h := range sums {
		a := float32(math.Tanh(float64(sums[h])))
		for o := range out {
			out[o] += a * n.W2[h][o]
		}
	}
	best := 0
	for o := range out {
		if out[o] > out[best] {
			best = o
		}
	}
	return best
}
