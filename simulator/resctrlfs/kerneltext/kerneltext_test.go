package kerneltext

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// lib/kstrtox.c: _parse_integer_fixup_radix, _kstrtoull, kstrtoull.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text        string
		base, limit uint64
		want        uint64
		errno       syscall.Errno
	}{
		{"15", 10, 99, 15, 0},
		{"+15\n", 10, 99, 15, 0},
		{"007", 10, 99, 7, 0},
		{"100", 10, 99, 0, syscall.ERANGE},
		{"", 10, 99, 0, syscall.EINVAL},
		{"+", 10, 99, 0, syscall.EINVAL},
		{"++1", 10, 99, 0, syscall.EINVAL},
		{"\n", 10, 99, 0, syscall.EINVAL},
		{" 1", 10, 99, 0, syscall.EINVAL},
		{"1 ", 10, 99, 0, syscall.EINVAL},
		{"1\n\n", 10, 99, 0, syscall.EINVAL},
		{"0x1", 10, 99, 0, syscall.EINVAL},
		{"f", 16, 99, 15, 0},
		{"0XfF", 16, 999, 255, 0},
		{"0x", 16, 99, 0, syscall.EINVAL},
		{"x1", 16, 99, 0, syscall.EINVAL},
		{"g", 16, 99, 0, syscall.EINVAL},
		{"010", 0, 99, 8, 0},
		{"0x10", 0, 99, 16, 0},
		{"10", 0, 99, 10, 0},
		{"0", 0, 99, 0, 0},
		{"08", 0, 99, 0, syscall.EINVAL},
		{"0x", 0, 99, 0, syscall.EINVAL},
		{"18446744073709551615", 10, 1<<64 - 1, 1<<64 - 1, 0},
		{"18446744073709551616", 10, 1<<64 - 1, 0, syscall.ERANGE},
		{"18446744073709551616x", 10, 1<<64 - 1, 0, syscall.ERANGE}, // the overflow is seen first
		{"99999999999999999999999", 10, 1<<64 - 1, 0, syscall.ERANGE},
	} {
		if got, errno := Unsigned(c.text, c.base, c.limit); got != c.want || errno != c.errno {
			t.Errorf("Unsigned(%q, %d, %d) = %d, %v, want %d, %v", c.text, c.base, c.limit, got, errno, c.want, c.errno)
		}
	}
}

func TestSigned(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		want  int
		errno syscall.Errno
	}{
		{"7\n", 7, 0},
		{"+7", 7, 0},
		{"-7", -7, 0},
		{"-0x10", -16, 0},
		{"2147483647", 1<<31 - 1, 0},
		{"-2147483648", -1 << 31, 0},
		{"2147483648", 0, syscall.ERANGE},
		{"-2147483649", 0, syscall.ERANGE},
		{"-", 0, syscall.EINVAL},
		{"--7", 0, syscall.EINVAL},
		{"-+7", 0, syscall.EINVAL},
	} {
		if got, errno := Signed(c.text); got != c.want || errno != c.errno {
			t.Errorf("Signed(%q) = %d, %v, want %d, %v", c.text, got, errno, c.want, c.errno)
		}
	}
}

func TestTrimAndCString(t *testing.T) {
	t.Parallel()
	if got := Trim(" \t\xa0a b\v\f\r\n"); got != "a b" {
		t.Errorf("trimmed to %q", got)
	}
	if got := Trim("\n "); got != "" {
		t.Errorf("trimmed to %q", got)
	}
	if got := CString([]byte("a\x00b")); got != "a" {
		t.Errorf("cut to %q", got)
	}
}

func TestBuffer(t *testing.T) {
	t.Parallel()
	b := NewBuffer(8, Modern) // 7 characters and the NUL
	b.Puts("abc")
	b.Printf("%d", 42)
	b.Puts("def") // does not fit: dropped, and nothing comes behind it
	b.Puts("x")
	if b.String() != "abc42" {
		t.Errorf("holds %q, want abc42", b)
	}
	b.Clear()
	b.Printf("%s", "0123456789")
	b.Puts("x")
	if b.String() != "0123456" {
		t.Errorf("holds %q, want the first 7", b)
	}
}

// lib/bitmap-str.c: bitmap_parselist and its comment's examples; test_bitmap.c has the same ones.
func TestParseList(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		errno      syscall.Errno
	}{
		{"", "", 0},
		{"\n", "", 0},
		{" ,, ", "", 0},
		{"0\n", "0", 0},
		{"0-3,5", "0-3,5", 0},
		{"5 ,1\t0", "0-1,5", 0},
		{"3,3,2-3", "2-3", 0},
		{"N", "31", 0},
		{"N-N", "31", 0},
		{"28-N", "28-31", 0},
		{"all", "0-31", 0},
		{"ALL", "0-31", 0},
		{"all:1/8", "0,8,16,24", 0},
		{"0-31:2/8", "0-1,8-9,16-17,24-25", 0},
		{"4-11:4/4", "4-11", 0},
		{"0-8:3/5", "0-2,5-7", 0},
		{"0-8:0/5", "", 0},
		{"0-1:1/2 5", "0,5", 0},
		{"0\n5", "0", 0},
		{"0,\n5", "0,5", 0}, // a newline ends the list only right behind a region
		{"x", "", syscall.EINVAL},
		{"1-", "", syscall.EINVAL},
		{"-1", "", syscall.EINVAL},
		{"1--2", "", syscall.EINVAL},
		{"3-2", "", syscall.EINVAL},
		{"0-3:", "", syscall.EINVAL},
		{"0-3:1", "", syscall.EINVAL},
		{"0-3:1/", "", syscall.EINVAL},
		{"0-3:3/2", "", syscall.EINVAL},
		{"0-3:1/0", "", syscall.EINVAL},
		{"0:1/2", "", syscall.EINVAL},
		{"0x1", "", syscall.EINVAL},
		{"al", "", syscall.EINVAL},
		{"1+", "", syscall.EINVAL},
		{"32", "", syscall.ERANGE},
		{"0-32", "", syscall.ERANGE},
		{"4294967294", "", syscall.ERANGE},
		{"4294967295", "", syscall.EINVAL},
		{"4294967296", "", syscall.EOVERFLOW},
		{"0-99999999999999999999999", "", syscall.EOVERFLOW},
	} {
		got, errno := ParseList(c.text, 32)
		if errno != c.errno || errno == 0 && got.List() != c.want {
			t.Errorf("ParseList(%q) = %q, %v, want %q, %v", c.text, got.List(), errno, c.want, c.errno)
		}
	}
}

// lib/bitmap-str.c: bitmap_parse.
func TestParseMask(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		errno      syscall.Errno
	}{
		{"", "00,00000000", 0},
		{"\n", "00,00000000", 0},
		{"ff\nxx", "00,000000ff", 0},
		{"1,", "00,00000001", 0},
		{",44", "00,00000044", 0},
		{"1,,5", "01,00000005", 0},
		{" 1 5 ", "01,00000005", 0},
		{"ff,ffffffff", "ff,ffffffff", 0},
		{"Ff,0", "ff,00000000", 0},
		{"000000ff,00000000", "ff,00000000", 0},
		{"x1,00000001", "", syscall.EINVAL},
		{"0x1", "", syscall.EINVAL},
		{"-1", "", syscall.EINVAL},
		{"g00000001", "00,00000001", 0},              // the character before 8 digits is swallowed
		{"100000001", "", syscall.EOVERFLOW},         // 9 digits
		{"100,0", "", syscall.EOVERFLOW},             // CPU 40
		{"g100,0", "", syscall.EINVAL},               // wrong before it is too large
		{"0,0,0", "", syscall.EOVERFLOW},             // three words
		{"ffffffff,ffffffff", "", syscall.EOVERFLOW}, // CPUs 40 to 63
	} {
		got, errno := ParseMask(c.text, 40)
		if errno != c.errno || errno == 0 && got.Mask() != c.want {
			t.Errorf("ParseMask(%q) = %q, %v, want %q, %v", c.text, got.Mask(), errno, c.want, c.errno)
		}
	}
}

// What is printed is what was meant, by the slow way: each CPU alone.
func FuzzCPUSet(f *testing.F) {
	f.Add("0-3,5", uint16(8))
	f.Add("all:1/3", uint16(200))
	f.Add("ffffffff,1", uint16(64))
	f.Add("N,0", uint16(33))
	f.Fuzz(func(t *testing.T, text string, n uint16) {
		cpus := int(n)%512 + 1
		for name, parse := range map[string]func(string, int) (CPUSet, syscall.Errno){"list": ParseList, "mask": ParseMask} {
			s, errno := parse(text, cpus)
			if errno != 0 {
				continue
			}
			var single []string
			for cpu, in := range s {
				if in {
					single = append(single, strconv.Itoa(cpu))
				}
			}
			want := fmt.Sprint(s)
			for from, again := range map[string]CPUSet{
				"single CPUs": parsed(t, ParseList, strings.Join(single, ","), cpus), "list": parsed(t, ParseList, s.List(), cpus),
				"mask": parsed(t, ParseMask, s.Mask(), cpus),
			} {
				if got := fmt.Sprint(again); got != want {
					t.Errorf("%s %q on %d CPUs: read again from %s as %s, want %s", name, text, cpus, from, got, want)
				}
			}
		}
	})
}

func parsed(t *testing.T, parse func(string, int) (CPUSet, syscall.Errno), text string, n int) CPUSet {
	t.Helper()
	s, errno := parse(text, n)
	if errno != 0 {
		t.Errorf("%q: %v", text, errno)
	}
	return s
}

func TestBool(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"1": true, "yes": true, "T\n": true, "on": true, "ON": true, "0\n": false, "no": false, "f": false, "off": false, "oF": false} {
		if got, errno := Bool(text); errno != 0 || got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, errno, want)
		}
	}
	for _, text := range []string{"", "o", "ox", "x", " 1", "2"} {
		if got, errno := Bool(text); errno != syscall.EINVAL || got {
			t.Errorf("%q is %v, %v, want EINVAL", text, got, errno)
		}
	}
}

// The same message as three kernels put it. What was reworded since is known to the oldest by its older words.
func TestWords(t *testing.T) {
	t.Parallel()
	for kernel, want := range map[Kernel]string{
		Modern: "Mask out of range\nInvalid MB value x\nMissing ':'\n", Padded: "Mask out of range\nNon-decimal digit in MB value x\nMissing ':'\n",
		Legacy: "mask out of range\nNon-decimal digit in MB value x\nMissing ':'\n",
	} {
		b := NewBuffer(512, kernel)
		b.Puts("Mask out of range\n")
		b.Printf("Invalid MB value %s\n", "x")
		b.Puts("Missing ':'\n")
		if got := b.String(); got != want {
			t.Errorf("kernel %d says %q, want %q", kernel, got, want)
		}
	}
}
