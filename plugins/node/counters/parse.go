package counters

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// number reads a file of one unsigned number. The word max, and the value by which cgroup v1 says that there is no limit, are the greatest.
func number(data []byte) (uint64, error) {
	text := strings.TrimSpace(string(data))
	if text == "max" {
		return math.MaxUint64, nil
	}
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text[:min(len(text), 40)])
	}
	return v, nil
}

// keyed finds a number in a file of lines with a name and a number.
func keyed(data []byte, name string) (uint64, bool) {
	for line := range bytes.Lines(data) {
		key, value, found := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if found && string(key) == name {
			v, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 64)
			return v, err == nil
		}
	}
	return 0, false
}

// micros and nanos are durations of a counter. A count above 292 years is no time.
func micros(v uint64) time.Duration { return nanos(min(v, math.MaxInt64/1000) * 1000) }

func nanos(v uint64) time.Duration { return time.Duration(min(v, math.MaxInt64)) }

// parsePressure reads a pressure file: lines like "some avg10=0.00 avg60=1.20 avg300=0.87 total=4711", percent and microseconds.
func parsePressure(data []byte) (*Pressure, error) {
	p := &Pressure{}
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 {
			continue
		}
		s, err := parseStall(fields[1:])
		if err != nil {
			return nil, err
		}
		switch fields[0] {
		case "some":
			p.Some = s
		case "full":
			p.Full = s
		}
	}
	if p.Some == nil && p.Full == nil {
		return nil, fmt.Errorf("no line that begins with some or full")
	}
	return p, nil
}

func parseStall(fields []string) (*Stall, error) {
	s := &Stall{}
	seen := 0
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		var average *float64
		switch name {
		case "avg10":
			average = &s.Avg10
		case "avg60":
			average = &s.Avg60
		case "avg300":
			average = &s.Avg300
		case "total":
			v, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q is not a total in microseconds", f[:min(len(f), 40)])
			}
			s.Total = micros(v)
			seen++
			continue
		default: // of a later kernel
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || !(v >= 0 && v <= 100) {
			return nil, fmt.Errorf("%q is not a percentage", f[:min(len(f), 40)])
		}
		*average = v / 100
	}
	if seen != 1 {
		return nil, fmt.Errorf("want one total=, have %d", seen)
	}
	return s, nil
}

// parseLimit reads cpu.max: quota, or max for none, and period in microseconds; the answer is in cores, 0 for none.
func parseLimit(data []byte) (float64, error) {
	fields := strings.Fields(string(data))
	if len(fields) != 2 {
		return 0, fmt.Errorf("want a quota and a period, have %d fields", len(fields))
	}
	quota, err := number([]byte(fields[0]))
	if err != nil {
		return 0, err
	}
	period, err := number([]byte(fields[1]))
	if err != nil || period == 0 {
		return 0, fmt.Errorf("%q is not a period", fields[1])
	}
	if quota == math.MaxUint64 {
		return 0, nil
	}
	return float64(quota) / float64(period), nil
}

// parseSchedstat reads /proc/<thread>/schedstat: nanoseconds on a CPU, nanoseconds ready and waiting, number of turns.
func parseSchedstat(data []byte) (ran, waited uint64, err error) {
	fields := strings.Fields(string(data))
	if len(fields) < 3 {
		return 0, 0, fmt.Errorf("want 3 numbers, have %d fields", len(fields))
	}
	if ran, err = strconv.ParseUint(fields[0], 10, 64); err != nil {
		return 0, 0, fmt.Errorf("%q is not a time in nanoseconds", fields[0])
	}
	if waited, err = strconv.ParseUint(fields[1], 10, 64); err != nil {
		return 0, 0, fmt.Errorf("%q is not a time in nanoseconds", fields[1])
	}
	return ran, waited, nil
}
