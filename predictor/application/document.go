package application

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Format names the layout of Document. A reader refuses every other value.
const Format = "ballast.dev/application/v1"

// Document is an application as it is stored. New checks it and makes a Model of it.
type Document struct {
	// Format is always the constant Format.
	Format string `json:"format"`
	// Version is the fingerprint of everything else here (12 hex digits): equal versions predict alike.
	Version string `json:"version"`
	// Source says in words what it was fitted on.
	Source string `json:"source,omitempty"`
	// Services are those called, also those that send no spans. At most MaxServices.
	Services []Service `json:"services"`
	// Entries are the operations that requests come in by. At most MaxEntries.
	Entries []Entry `json:"entries"`
}

// The kinds of Service.
const (
	// Measured: Work is CPU time over calls, and windows differed enough to tell what more CPU brings.
	Measured = "measured"
	// Steady: Work is CPU time over calls, but load and CPU were nearly the same in all windows, so that how much of the rest depends on
	// them is the prior's guess.
	Steady = "steady"
	// Prior: no CPU figures. Half of the self time is taken for work at one core.
	Prior = "prior"
	// External: it sends no spans. What its calls take, no CPU of the application changes.
	External = "external"
)

// Service is a service with its law.
type Service struct {
	// Name as in the spans; of an External one the operation by which others call it. Unique.
	Name string `json:"name"`
	// Kind says what Law rests on: Measured, Steady, Prior or External.
	Kind string `json:"kind"`
	// Pods, and Cores that each could obtain, in the mean as observed; 0 = not known.
	Pods  float64 `json:"pods,omitempty"`
	Cores float64 `json:"cores,omitempty"`
	// Rate is calls of size 1 per second of all entries together, as observed.
	Rate float64 `json:"rate"`
	// Law is the mean time of a call of size 1 at one pod. Of an External service it is Fixed only.
	Law Law `json:"law"`
	// Shift is the constant part of the time, seconds, at most Fixed + Stretch·Work; Shape is that of the rest at Rate, Pods and Cores, from
	// which it changes as latency.Law.Growth says, with the strength Growth; 0 = not at all.
	Shift  float64 `json:"shiftSeconds"`
	Shape  float64 `json:"shape"`
	Growth float64 `json:"growth,omitempty"`
	// Operations are those with a size of their own, by name. At most MaxOperations.
	Operations []Operation `json:"operations,omitempty"`
}

// Law is latency.Law as stored.
type Law struct {
	Fixed   float64 `json:"fixedSeconds"`
	Work    float64 `json:"workCoreSeconds"`
	Stretch float64 `json:"stretch"`
	Spread  float64 `json:"spread"`
	Windows float64 `json:"windows"`
	Burst   float64 `json:"burst,omitempty"`
}

// Operation is an operation of a service. Size is its time over that of the service, above 0 and at most MaxSize.
type Operation struct {
	Name string  `json:"name"`
	Size float64 `json:"size"`
}

// Entry is an operation that requests come in by.
type Entry struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	// Rate is requests per second as observed.
	Rate float64 `json:"rate"`
	// Patterns have shares that add up to 1. At most MaxPatterns.
	Patterns []Pattern `json:"patterns"`
	// Tail is the observed over the predicted percentile (the 95th to 99th), TailSpread the standard deviation of its logarithm over
	// windows that had no part in the fit, TailWindows their number; 0 = none, and Tail is of the windows of the fit.
	Tail        float64 `json:"tail"`
	TailSpread  float64 `json:"tailSpread"`
	TailWindows int     `json:"tailWindows"`
	// TailLow and TailHigh are the conformal 90 % interval of the observed over the predicted percentile (latency.Margin).
	TailLow  float64 `json:"tailLow"`
	TailHigh float64 `json:"tailHigh"`
}

// Pattern is requests that make the same calls.
type Pattern struct {
	Name string `json:"name"`
	// Share of the entry's requests, with its 90 % interval.
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Part  Part    `json:"part"`
}

// Part is a part of a pattern: calls of a service, parts one after the other, or parts at the same time. Exactly one of Service, Series
// and Parallel is there.
type Part struct {
	Service   string `json:"service,omitempty"`
	Operation string `json:"operation,omitempty"`
	// Calls is how often, one after the other, in the mean over requests; above 0 and at most MaxCalls.
	Calls    float64 `json:"calls,omitempty"`
	Series   []Part  `json:"series,omitempty"`
	Parallel []Part  `json:"parallel,omitempty"`
}

// Encode returns the document as indented JSON with its version set.
func Encode(d Document) ([]byte, error) {
	d.Version = Fingerprint(d)
	b, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encoding application: %w", err)
	}
	return append(b, '\n'), nil
}

// Decode reads a document strictly: an unknown field, another format, anything after it, or a version that is not the content's is an
// error.
func Decode(b []byte) (*Model, error) {
	var head struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("reading application: %w; expected the JSON file that `ballast graph fit --out` writes", err)
	}
	if head.Format != Format {
		return nil, fmt.Errorf("format is %q, this Ballast reads %q: fit the application again with this version", head.Format, Format)
	}
	var d Document
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("reading application: %w", err)
	}
	if want := Fingerprint(d); d.Version != want {
		return nil, fmt.Errorf("version is %q but the content's fingerprint is %s: it was changed after it was written; fit it again", d.Version, want)
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
