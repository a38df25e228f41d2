package interference

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
)

// Format names the layout of Document. A reader refuses every other value: a model written by a newer Ballast is not guessed at.
const Format = "ballast.dev/interference-model/v1"

// Limits of a document. MaxRank and MaxMixes keep an InterferenceModel of 200 classes under 1 MiB, two thirds of what etcd
// takes for one object (tested in fit_test.go); MaxClasses bounds the dense tables that a reader builds (2 x 200² float64
// = 640 KB).
const (
	MaxRank    = 8
	MaxClasses = 200
	MaxMixes   = 2000
)

// Document is the model as it is stored: in a file, and in the spec of an InterferenceModel object. It has no behaviour; New
// checks it and turns it into a Model.
type Document struct {
	// Format is always the constant Format.
	Format string `json:"format"`
	// Version is the fingerprint of everything else here (12 hex digits): equal versions give equal predictions.
	Version string `json:"version"`
	// Source says in words what the model was fitted on.
	Source string `json:"source,omitempty"`
	// Rank r is the length of the pressure and presence vectors, at most MaxRank.
	Rank int `json:"rank"`
	// Classes are the workload classes, in the order that Mixes refer to.
	Classes []Class `json:"classes"`
	// Mixes are the measured mixes kept for look-up, at most MaxMixes.
	Mixes []MeasuredMix `json:"mixes,omitempty"`
	// Fit says how good the model is on mixes it was not fitted on.
	Fit Quality `json:"fit"`
}

// Class holds what the model knows of one workload class. With z = (1, sum_j u_j·Pressure_j, sum_j [u_j>0]·Presence_j) over the
// neighbours j of one container, u_j their load units, its performance is exp(Response·z), 1 = alone.
type Class struct {
	// Name is the class's label value, or <namespace>/<controller>.
	Name string `json:"name"`
	// Pressure is what one unit of this class's load adds to each of the r dimensions its neighbours feel.
	Pressure []float64 `json:"pressure"`
	// Presence is what the mere presence of this class adds, however much of it there is. It may help: a cache is a provider.
	Presence []float64 `json:"presence"`
	// Response has 1+2r entries: intercept, reaction to pressure, reaction to presence, in units of ln(performance).
	Response []float64 `json:"response"`
	// Covariance is the posterior covariance of Response: lower triangle by rows, (1+2r)(2+2r)/2 entries.
	Covariance []float64 `json:"covariance"`
	// ResidualStdDev is the standard deviation of a measured ln(performance) around the law: lack of fit and noise.
	ResidualStdDev float64 `json:"residualStdDev"`
	// NoiseStdDev is the part of it that a repeated measurement of the same mix shows.
	NoiseStdDev float64 `json:"noiseStdDev"`
	// NoiseDegrees are the degrees of freedom behind NoiseStdDev; 0 = there were no repeats and it is assumed.
	NoiseDegrees int `json:"noiseDegrees"`
	// IntervalScale is the number of standard deviations that held 90 % of the held-out errors (1.645 were they normal).
	IntervalScale float64 `json:"intervalScale"`
	// Min and Max bound the mean prediction: the measured range, a fifth wider, and more so of few measurements.
	Min float64 `json:"min"`
	Max float64 `json:"max"`
	// MaxUnits is the largest load that was measured beside a container of the class. Beyond it the law is less sure by
	// ExtrapolationStdDev for every unit.
	MaxUnits            float64 `json:"maxUnits"`
	ExtrapolationStdDev float64 `json:"extrapolationStdDev"`
	// Seen are the classes that were measured beside this one, as hexadecimal digits of bits, the first class the lowest bit of the
	// first byte; empty where every class has a dimension of its own, whose covariance says as much. What was not seen is less
	// sure by UnseenLoadStdDev for every unit and UnseenPresenceStdDev.
	Seen                 string  `json:"seen,omitempty"`
	UnseenLoadStdDev     float64 `json:"unseenLoadStdDev,omitempty"`
	UnseenPresenceStdDev float64 `json:"unseenPresenceStdDev,omitempty"`
	// Observations is the number of distinct mixes the class was measured in; 0 = a prior only.
	Observations int `json:"observations"`
}

// MeasuredMix is one mix that was measured.
type MeasuredMix struct {
	// Classes are indices into Document.Classes, ascending; Units their loads; Performance the mean measured performance, 0
	// where that class's measurement failed; Repeats the number of different measurements behind it. All of one length.
	Classes     []int     `json:"classes"`
	Units       []float64 `json:"units"`
	Performance []float64 `json:"performance"`
	Repeats     []int     `json:"repeats"`
}

// Quality is the model's error on held-out mixes of the same kind: ten folds of distinct mixes, each predicted by a model that was
// fitted, from the first step on, without it (as many folds as mixes if those are fewer). It says nothing about mixes larger than
// any that was measured, and nothing at all where Cells is 0: then no mix could be left out.
type Quality struct {
	// Mixes is the number of distinct mixes, Cells of (mix, class) pairs.
	Mixes int `json:"mixes"`
	Cells int `json:"cells"`
	// MeanAbsolutePercentageError is a fraction: 0.04 = 4 %. R2 is the mean over classes of the coefficient of determination.
	MeanAbsolutePercentageError float64 `json:"meanAbsolutePercentageError"`
	R2                          float64 `json:"r2"`
	// Coverage is the share of single measurements inside their 90 % interval, its width set by the other half of the cells.
	Coverage float64 `json:"coverage"`
}

// Encode returns the document as indented JSON with its version set.
func Encode(d Document) ([]byte, error) {
	d.Version = Fingerprint(d)
	b, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encoding interference model: %w", err)
	}
	return append(b, '\n'), nil
}

// Decode reads a document strictly: an unknown field, another format or a version that is not the content's is an error.
func Decode(b []byte) (*Model, error) {
	var head struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("reading interference model: %w; expected the JSON file that `ballast interference fit --out` writes", err)
	}
	if head.Format != Format {
		return nil, fmt.Errorf("format is %q, this Ballast reads %q: fit the model again with this version", head.Format, Format)
	}
	var d Document
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("reading interference model: %w", err)
	}
	return New(d)
}

// Fingerprint is the first 12 hex digits of the SHA-256 of the document without its version.
func Fingerprint(d Document) string {
	d.Version = ""
	b, err := json.Marshal(d) // fails only on NaN or infinity, which New refuses
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// significant rounds x to six significant digits, so that a model is the same before and after it was written, and small. Zero is
// never negative: JSON in Go keeps the sign of zero, an API server does not, and the fingerprint would change on the way.
func significant(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return math.Abs(x) // New refuses the last two
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}
