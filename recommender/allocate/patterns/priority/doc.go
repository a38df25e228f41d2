// Package priority decides how long calls of each objective take at services that several share, where those of one go before those of
// another: by the law of preemptive priorities, or by the rule that Erms plans with. The result is the problem of package patterns with
// curves by objective.
//
// Loads are calls per second and pod, times seconds, CPU in cores.
package priority
