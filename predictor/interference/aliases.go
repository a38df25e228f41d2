package interference

import (
	"io"

	"github.com/ballast-k8s/ballast/predictor/interference/laws"
	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
)

// What a model is asked for and what it is fitted on: see package mixes.
type (
	// Mix is what runs on a node.
	Mix = mixes.Mix
	// Load is the load of one class in a mix.
	Load = mixes.Load
	// Table is a file of mixes as read.
	Table = mixes.Table
	// Row is one measurement of one mix.
	Row = mixes.Row
	// Dataset is what a model is fitted on.
	Dataset = mixes.Dataset
	// Observation is one distinct mix and everything measured of it.
	Observation = mixes.Observation
	// Cell is the measurements of one class in one mix.
	Cell = mixes.Cell
)

// What a fit yields: see package laws.
type (
	// Class holds what the model knows of one workload class.
	Class = laws.Class
	// Provenance says where a class's numbers come from, if not from a fit.
	Provenance = laws.Provenance
	// Quality is the model's error on mixes it has not seen.
	Quality = laws.Quality
	// Setting is a machine shape or a partitioning other than the one the laws were fitted in.
	Setting = laws.Setting
	// Accuracy is how far predictions are from measurements.
	Accuracy = laws.Accuracy
)

// Unknown is the class index of load that the model has no class for. It presses on the others with the mean pressure of the
// known classes, never helps, and its own performance is not counted.
const Unknown = mixes.Unknown

// MixOf turns counts by class index into a Mix, leaving out the zeros.
func MixOf(counts []float64) (Mix, error) { return mixes.MixOf(counts) }

// ReadMixes reads a mixes file.
func ReadMixes(name string, r io.Reader) (*Table, error) { return mixes.ReadMixes(name, r) }

// ReadLoads reads a mixes file as questions, whatever performances it holds.
func ReadLoads(name string, r io.Reader) (*Table, error) { return mixes.ReadLoads(name, r) }

// Pool merges tables into distinct mixes.
func Pool(tables ...*Table) (*Dataset, error) { return mixes.Pool(tables...) }
