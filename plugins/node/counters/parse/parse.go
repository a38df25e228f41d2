package parse

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Number reads a file of one unsigned number. The word max, and the value by which cgroup v1 says that there is no limit, are the greatest.
func Number(data []byte) (uint64, error) {
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

// Keyed finds a number in a file of lines with a name and a number. It is false where there is none.
func Keyed(data []byte, name string) (uint64, bool) {
	for line := range bytes.Lines(data) {
		key, value, found := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if found && string(key) == name {
			v, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 64)
			return v, err == nil
		}
	}
	return 0, false
}

// Micros is the duration of a counter of microseconds. One above 292 years is 292 years.
func Micros(v uint64) time.Duration { return Nanos(min(v, math.MaxInt64/1000) * 1000) }

// Nanos is the duration of a counter of nanoseconds. One above 292 years is 292 years.
func Nanos(v uint64) time.Duration { return time.Duration(min(v, math.MaxInt64)) }

// Limit reads cpu.max: quota, or max for none, and period in microseconds; the answer is in cores, 0 for none.
func Limit(data []byte) (float64, error) {
	fields := strings.Fields(string(data))
	if len(fields) != 2 {
		return 0, fmt.Errorf("want a quota and a period, have %d fields", len(fields))
	}
	quota, err := Number([]byte(fields[0]))
	if err != nil {
		return 0, err
	}
	period, err := Number([]byte(fields[1]))
	if err != nil || period == 0 {
		return 0, fmt.Errorf("%q is not a period", fields[1])
	}
	if quota == math.MaxUint64 {
		return 0, nil
	}
	return float64(quota) / float64(period), nil
}

// Schedstat reads /proc/<thread>/schedstat: nanoseconds on a CPU, nanoseconds ready and waiting, number of turns.
func Schedstat(data []byte) (ran, waited uint64, err error) {
	times := [2]uint64{}
	n := 0
	for field := range bytes.FieldsSeq(data) {
		if n < len(times) {
			if times[n], err = strconv.ParseUint(string(field), 10, 64); err != nil {
				return 0, 0, fmt.Errorf("%q is not a time in nanoseconds", field)
			}
		}
		n++
	}
	if n < 3 {
		return 0, 0, fmt.Errorf("want 3 numbers, have %d fields", n)
	}
	return times[0], times[1], nil
}

// IDs reads one thread id in each line, and appends them.
func IDs(ids []int, data []byte) ([]int, error) {
	for field := range bytes.FieldsSeq(data) {
		id, err := strconv.ParseUint(string(field), 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%q is not a thread id", field[:min(len(field), 20)])
		}
		ids = append(ids, int(id))
	}
	return ids, nil
}
