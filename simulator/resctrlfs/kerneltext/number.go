// Package kerneltext reads and writes numbers and sets of CPUs as the Linux kernel does: what lib/kstrtox.c, lib/bitmap-str.c and
// lib/vsprintf.c accept and print, with their errors. Go's strconv differs in ways that matter to whoever imitates a kernel file: blanks,
// signs, prefixes, one newline at the end, separators.
package kerneltext

import (
	"bytes"
	"math"
	"strings"
	"syscall"
)

// CString is what the kernel's string functions see of a write: nothing from the first NUL on.
func CString(data []byte) string {
	before, _, _ := bytes.Cut(data, []byte{0})
	return string(before)
}

// isSpace is the kernel's isspace (lib/ctype.c): Latin-1, so that a no-break space counts.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0xa0 }

// Trim is strim: blanks off both ends.
func Trim(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// hexDigit returns the value of a digit of base 16, or 99.
func hexDigit(c byte) uint64 {
	switch lower := c | 0x20; {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case lower >= 'a' && lower <= 'f':
		return uint64(lower-'a') + 10
	}
	return 99
}

// digits reads as many digits as there are: their value, how many, and whether the value did not fit (_parse_integer).
func digits(s string, base uint64) (value uint64, n int, overflow bool) {
	for ; n < len(s) && hexDigit(s[n]) < base; n++ {
		d := hexDigit(s[n])
		if value > (math.MaxUint64-d)/base {
			overflow = true
		}
		value = value*base + d
	}
	return value, n, overflow
}

// radix takes the prefix off and tells the base: 16 may be written 0x, and 0 means 0x for 16, 0 for 8, else 10
// (_parse_integer_fixup_radix).
func radix(s string, base uint64) (string, uint64) {
	prefixed := len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x'
	if base == 0 {
		switch {
		case prefixed && len(s) > 2 && hexDigit(s[2]) < 16:
			base = 16
		case strings.HasPrefix(s, "0"):
			base = 8
		default:
			base = 10
		}
	}
	if base == 16 && prefixed {
		s = s[2:]
	}
	return s, base
}

// Unsigned is kstrtoul and its kin: a number up to limit, one + before and one newline after it allowed, and no blanks.
func Unsigned(s string, base, limit uint64) (uint64, syscall.Errno) {
	s, base = radix(strings.TrimPrefix(s, "+"), base)
	value, n, overflow := digits(s, base)
	switch rest := strings.TrimPrefix(s[n:], "\n"); {
	case overflow:
		return 0, syscall.ERANGE
	case n == 0 || rest != "":
		return 0, syscall.EINVAL
	case value > limit:
		return 0, syscall.ERANGE
	}
	return value, 0
}

// Signed is kstrtoint with base 0: Unsigned with a sign, within 32 bits.
func Signed(s string) (int, syscall.Errno) {
	rest, negative := strings.CutPrefix(s, "-")
	if !negative {
		value, errno := Unsigned(s, 0, math.MaxInt32)
		return int(value), errno
	}
	if strings.HasPrefix(rest, "+") { // the sign is taken once (kstrtoll)
		return 0, syscall.EINVAL
	}
	value, errno := Unsigned(rest, 0, math.MaxInt32+1)
	return -int(value), errno
}

// Bool is kstrtobool: what the first letters say.
func Bool(s string) (bool, syscall.Errno) {
	if s == "" {
		return false, syscall.EINVAL
	}
	switch s[0] {
	case 'y', 'Y', 't', 'T', '1':
		return true, 0
	case 'n', 'N', 'f', 'F', '0':
		return false, 0
	case 'o', 'O':
		if len(s) > 1 && (s[1] == 'n' || s[1] == 'N') {
			return true, 0
		}
		if len(s) > 1 && (s[1] == 'f' || s[1] == 'F') {
			return false, 0
		}
	}
	return false, syscall.EINVAL
}
