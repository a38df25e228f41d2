// Package plant is the ground truth that Ballast's decisions are judged on: what really happens on a machine for a given mix of
// containers. It never uses the predictor's model as its truth, so that no model is judged by itself.
//
// This package holds the interference truth, in two forms: Table, a measured (or published) performance for every mix, and
// CacheBandwidth, an analytic model of cores, a shared last-level cache and memory bandwidth. UpperBound says how good any
// placement of a batch can be under a truth, and Judge scores a placement.
//
// The packages below let an application run on machines, in a closed loop, with either truth as the speed of its pods:
//
//	queueing      services, calls, pods and their life: the simulation that a caller advances and commands
//	servicegraph  the application: services, operations, patterns of calls, distributions of work
//	park          the machines, the pods on them and the speed that neighbours leave each
//	cpushare      one machine's CPU: sharing by weight, limits, pressure
//	arrival       open-loop load from a trace of rates
//	eventlist     what is to happen, in the order of time
//	histogram     latencies
package plant
