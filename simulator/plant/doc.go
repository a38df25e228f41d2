// Package plant is the ground truth that Ballast's decisions are judged on: what really happens on a machine for a given mix of
// containers. It never uses the predictor's model as its truth, so that no model is judged by itself.
//
// So far it holds the interference truth, in two forms: Table, a measured (or published) performance for every mix, and
// CacheBandwidth, an analytic model of cores, a shared last-level cache and memory bandwidth. UpperBound says how good any
// placement of a batch can be under a truth, and Judge scores a placement.
package plant
