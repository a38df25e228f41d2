package parse

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Pressure is how much of the time tasks waited for a resource.
type Pressure struct {
	// Some: at least one task waited. Full: all that were not idle did. Nil where the kernel has no such line.
	Some, Full *Stall
}

// Stall is the time of one kind of waiting.
type Stall struct {
	Total time.Duration
	// Avg10, Avg60 and Avg300 are the kernel's running averages over 10, 60 and 300 s, from 0 to 1.
	Avg10, Avg60, Avg300 float64
}

// PressureFile reads a pressure file: lines like "some avg10=0.00 avg60=1.20 avg300=0.87 total=4711", percent and microseconds.
func PressureFile(data []byte) (*Pressure, error) {
	all := &struct {
		Pressure
		some, full Stall
	}{}
	p := &all.Pressure
	for line := range bytes.Lines(data) {
		kind, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		var into Stall
		if len(kind) == 0 {
			continue
		}
		if err := parseStall(rest, &into); err != nil {
			return nil, err
		}
		switch string(kind) {
		case "some":
			all.some, p.Some = into, &all.some
		case "full":
			all.full, p.Full = into, &all.full
		}
	}
	if p.Some == nil && p.Full == nil {
		return nil, errors.New("no line that begins with some or full")
	}
	return p, nil
}

func parseStall(fields []byte, s *Stall) error {
	seen := 0
	for f := range bytes.FieldsSeq(fields) {
		name, value, _ := bytes.Cut(f, []byte("="))
		var average *float64
		switch string(name) {
		case "avg10":
			average = &s.Avg10
		case "avg60":
			average = &s.Avg60
		case "avg300":
			average = &s.Avg300
		case "total":
			v, err := strconv.ParseUint(string(value), 10, 64)
			if err != nil {
				return fmt.Errorf("%q is not a total in microseconds", f[:min(len(f), 40)])
			}
			s.Total = Micros(v)
			seen++
			continue
		default: // of a later kernel
			continue
		}
		v, err := strconv.ParseFloat(string(value), 64)
		if err != nil || !(v >= 0 && v <= 100) {
			return fmt.Errorf("%q is not a percentage", f[:min(len(f), 40)])
		}
		*average = v / 100
	}
	if seen != 1 {
		return fmt.Errorf("want one total=, have %d", seen)
	}
	return nil
}
