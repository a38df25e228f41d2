// Package isolator divides one machine: in a round it reads the tree of resctrl, plans what a NodeIsolation's spec and the local loop want of it,
// carries the plan out if the switch is active, reads back, and counts. Groups named ballast-* are its own; all others and the default group are
// never touched. It gives back what throttles when the loop does not act any more, see [Isolator.End].
//
// An Isolator is used by one goroutine at a time, but for [Isolator.Tree].
package isolator
