// Package mixes holds what was measured of workload classes that share a node: which mixes, what each class did in them, what counts
// as one measurement, and how much a measured mix says about those that were not.
//
// ReadMixes reads a file, Pool merges files into distinct mixes, Population weighs them.
package mixes
