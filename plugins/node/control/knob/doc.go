// Package knob holds the three things of which the control law gives batch work more or less: cache ways, memory bandwidth and CPU. A
// [Range] is what the machine can do with one of them, a [State] what batch has of it and what is remembered about it.
//
// The package is pure: no file, clock, logger, goroutine or randomness.
package knob

// Kind names one of the three things, in the order of the growth wheel.
type Kind int

// Kinds of knobs.
const (
	Ways      Kind = iota // of the last-level cache, in each domain
	Bandwidth             // of memory, in the machine's unit
	CPU                   // of all batch pods together, in cores
	Count                 // how many kinds there are
)
