package isolation

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Ways are numbers of ways of a cache, ascending from 0. As text they are ranges such as 0-3,8, or none.
type Ways []int

const mostWays = 32 // that a mask has bits for

// String is their text.
func (w Ways) String() string { return schemata.Ranges(w) }

// MarshalText implements encoding.TextMarshaler.
func (w Ways) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Ways) UnmarshalText(text []byte) error {
	*w = parseWays(string(text))
	return nil
}

// waysOf are those of a mask.
func waysOf(mask uint32) Ways {
	var out Ways
	for m := mask; m != 0; m &= m - 1 {
		out = append(out, bits.TrailingZeros32(m))
	}
	return out
}

// parseWays reads ranges; what is none is left out.
func parseWays(ranges string) Ways {
	var out Ways
	for part := range strings.SplitSeq(ranges, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		if err != nil {
			continue
		}
		to, err := strconv.Atoi(last)
		if err != nil {
			continue
		}
		for i := from; i <= to && i < mostWays; i++ {
			out = append(out, i)
		}
	}
	return out
}
