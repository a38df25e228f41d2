package growth

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
)

// Idle is what is known of ways of which batch had nothing. The zero value: it had something, or none were tried.
type Idle struct {
	// Pace is batch's progress per core then.
	Pace float64 `json:"pace"`
	// For is how long they were left alone the last time that they brought nothing.
	For time.Duration `json:"for"`
}

// another is from which change of instructions per core on batch is other work, for which ways are tried anew.
const another = 0.2

// Other says whether batch, by its progress per core now, is other work than it was then.
func (i Idle) Other(pace float64) bool {
	return i.Pace > 0 && pace > 0 && math.Abs(math.Log(pace/i.Pace)) > another
}

// Again notes that ways brought nothing, and returns how long they are to be left alone: a quarter of an hour, and twice as long each time
// that they bring nothing again, up to an hour. On a quiet machine they would go to and fro for nothing four times an hour else.
func (i *Idle) Again(pace float64) time.Duration {
	i.Pace, i.For = pace, min(max(2*i.For, knob.Memory), knob.LongMemory)
	return i.For
}

// Sane drops what was saved and cannot be.
func (i *Idle) Sane() {
	if !(i.Pace > 0 && i.Pace < math.MaxFloat64) {
		i.Pace = 0
	}
	i.For = min(max(i.For, 0), knob.LongMemory)
}
