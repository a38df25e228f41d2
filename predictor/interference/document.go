package interference

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
)

// Format names the layout of Document. A reader refuses every other value: a model written by a newer Ballast is not guessed at.
const Format = "ballast.dev/interference-model/v1"

// Limits of a document. MaxRank and MaxMixes keep an InterferenceModel of 200 classes under 1 MiB, two thirds of what etcd
// takes for one object (tested in fit_test.go); MaxClasses bounds the dense tables that a reader builds (2 x 200² float64
// = 640 KB).
const (
	MaxRank    = interactions.MaxDims
	MaxClasses = mixes.MaxClasses
	MaxMixes   = 2000
	// MaxSettings of 200 classes take 32 kB.
	MaxSettings = 16
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
	// InteractingDimensions is how many of the first dimensions interact; 0 = none. InteractionUnits is the load that counts as 1 in
	// interactions: the largest that any container had as neighbours.
	InteractingDimensions int     `json:"interactingDimensions,omitempty"`
	InteractionUnits      float64 `json:"interactionUnits,omitempty"`
	// Classes are the workload classes, in the order that Mixes refer to.
	Classes []Class `json:"classes"`
	// Setting is the machine shape and partitioning that Classes and Mixes are of, Settings the others that were measured, at most
	// MaxSettings.
	Setting  string    `json:"setting,omitempty"`
	Settings []Setting `json:"settings,omitempty"`
	// Mixes are the measured mixes kept for look-up, at most MaxMixes.
	Mixes []MeasuredMix `json:"mixes,omitempty"`
	// Fit says how good the model is on mixes it was not fitted on.
	Fit Quality `json:"fit"`
}

// MeasuredMix is one mix that was measured.
type MeasuredMix struct {
	// Classes are indices into Document.Classes, ascending; Units their loads; Performance the mean measured performance, 0
	// where that class's measurement failed; Repeats the number of different measurements behind it. All of one length.
	Classes     []int     `json:"classes"`
	Units       []float64 `json:"units"`
	Performance []float64 `json:"performance"`
	Repeats     []int     `json:"repeats"`
	// Measured is when the mix was last measured, where updates need to know; absent from a fit.
	Measured time.Time `json:"measured,omitzero"`
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
