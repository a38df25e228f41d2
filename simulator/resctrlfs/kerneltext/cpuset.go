package kerneltext

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"syscall"
)

// CPUSet tells for each CPU of a machine whether it is in the set (struct cpumask). Sets that meet must be of one machine.
type CPUSet []bool

// NewCPUSet returns an empty set on a machine of n CPUs.
func NewCPUSet(n int) CPUSet { return make(CPUSet, n) }

// Empty reports whether no CPU is in the set.
func (s CPUSet) Empty() bool {
	for _, in := range s {
		if in {
			return false
		}
	}
	return true
}

// Less returns the CPUs of s that are not in other.
func (s CPUSet) Less(other CPUSet) CPUSet {
	rest := NewCPUSet(len(s))
	for cpu, in := range s {
		rest[cpu] = in && !other[cpu]
	}
	return rest
}

// Add puts the CPUs of other into s.
func (s CPUSet) Add(other CPUSet) {
	for cpu, in := range other {
		s[cpu] = s[cpu] || in
	}
}

// Mask is the set in hexadecimal words of 32 CPUs, highest first, as wide as the machine (bitmap_string, %*pb).
func (s CPUSet) Mask() string {
	var words []string
	for low := (len(s) - 1) / 32 * 32; low >= 0; low -= 32 {
		high := min(low+32, len(s))
		var word uint32
		for cpu := low; cpu < high; cpu++ {
			if s[cpu] {
				word |= 1 << (cpu - low)
			}
		}
		words = append(words, fmt.Sprintf("%0*x", (high-low+3)/4, word))
	}
	return strings.Join(words, ",")
}

// List is the set as ranges (bitmap_list_string, %*pbl).
func (s CPUSet) List() string {
	var ranges []string
	for first := 0; first < len(s); first++ {
		if !s[first] {
			continue
		}
		last := first
		for last+1 < len(s) && s[last+1] {
			last++
		}
		r := strconv.Itoa(first)
		if last > first {
			r += "-" + strconv.Itoa(last)
		}
		ranges = append(ranges, r)
		first = last
	}
	return strings.Join(ranges, ",")
}

// endOfRegion is __end_of_region of lib/bitmap-str.c.
func endOfRegion(c byte) bool { return isSpace(c) || c == ',' }

// ParseMask is cpumask_parse (bitmap_parse) for a machine of n CPUs: words of up to 8 hexadecimal digits separated by commas or
// blanks, the last one the lowest. A word of 8 digits swallows a character before it that is neither digit nor separator, as the
// kernel does. Only the first line is read.
func ParseMask(text string, n int) (CPUSet, syscall.Errno) {
	text, _, _ = strings.Cut(text, "\n")
	s, outside := NewCPUSet(n), false
	for word := 0; ; word++ {
		for text != "" && endOfRegion(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
		switch {
		case text == "" && outside:
			return nil, syscall.EOVERFLOW
		case text == "":
			return s, 0
		case word == (n+31)/32:
			return nil, syscall.EOVERFLOW
		}
		var bits uint64
		var errno syscall.Errno
		if bits, text, errno = lastWord(text); errno != 0 {
			return nil, errno
		}
		for bit := range 32 {
			if cpu := 32*word + bit; bits>>bit&1 != 0 && cpu < n {
				s[cpu] = true
			} else if bits>>bit&1 != 0 {
				outside = true
			}
		}
	}
}

// lastWord reads the word at the end of a text and returns the text before it (bitmap_get_x32_reverse).
func lastWord(text string) (bits uint64, rest string, errno syscall.Errno) {
	for digit := range 8 {
		d := hexDigit(text[len(text)-1])
		if d > 15 {
			return 0, "", syscall.EINVAL
		}
		bits |= d << (4 * digit)
		text = text[:len(text)-1]
		if text == "" || endOfRegion(text[len(text)-1]) {
			return bits, text, 0
		}
	}
	if hexDigit(text[len(text)-1]) <= 15 {
		return 0, "", syscall.EOVERFLOW
	}
	return bits, text[:len(text)-1], 0
}

// region is a range of CPUs of which the first used of every group are meant: start-end:used/group.
type region struct{ start, end, used, group uint64 }

// ParseList is cpulist_parse (bitmap_parselist) for a machine of n CPUs: numbers and ranges separated by commas or blanks; N is the last
// CPU, all is all. A newline right behind a region ends the list; elsewhere it is a blank.
func ParseList(text string, n int) (CPUSet, syscall.Errno) {
	s := NewCPUSet(n)
	for {
		for text != "" && endOfRegion(text[0]) {
			text = text[1:]
		}
		if text == "" {
			return s, 0
		}
		r, rest, ok := parseRegion(text, uint64(n-1))
		switch {
		case !ok:
			return nil, syscall.EINVAL
		case r.start|r.end|r.used|r.group > math.MaxUint32:
			return nil, syscall.EOVERFLOW
		case r.start > r.end || r.group == 0 || r.used > r.group:
			return nil, syscall.EINVAL
		case r.end >= uint64(n):
			return nil, syscall.ERANGE
		}
		for cpu := r.start; cpu <= r.end; cpu++ {
			s[cpu] = s[cpu] || (cpu-r.start)%r.group < r.used
		}
		text = rest
	}
}

// parseRegion is bitmap_parse_region. It returns what follows the region.
func parseRegion(text string, last uint64) (r region, rest string, ok bool) {
	if len(text) >= 3 && strings.EqualFold(text[:3], "all") {
		r.end, rest = last, text[3:]
	} else {
		if r.start, rest, ok = cpuNumber(text, last); !ok {
			return r, rest, false
		}
		if r.end = r.start; strings.HasPrefix(rest, "-") {
			if r.end, rest, ok = cpuNumber(rest[1:], last); !ok {
				return r, rest, false
			}
		} else if rest != "" && !endOfRegion(rest[0]) {
			return r, rest, false
		}
	}
	if rest == "" || endOfRegion(rest[0]) {
		r.used = (r.end + 1) & math.MaxUint32 // 32 bits: behind the last number there is 0, which is no group
		r.group = r.used
		if strings.HasPrefix(rest, "\n") {
			rest = ""
		}
		return r, rest, true
	}
	if rest[0] != ':' {
		return r, rest, false
	}
	r.used, rest, ok = cpuNumber(rest[1:], last)
	if !ok || !strings.HasPrefix(rest, "/") {
		return r, rest, false
	}
	r.group, rest, ok = cpuNumber(rest[1:], last)
	return r, rest, ok
}

// cpuNumber is bitmap_getnum; what is too large for it is returned as a number above 2^32.
func cpuNumber(text string, last uint64) (n uint64, rest string, ok bool) {
	if strings.HasPrefix(text, "N") {
		return last, text[1:], true
	}
	n, length, overflow := digits(text, 10)
	if overflow || n > math.MaxUint32 {
		n = math.MaxUint32 + 1
	}
	return n, text[length:], length > 0
}
