package controls

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// staged are values that were accepted and wait for the rest of the write: by resource, then domain.
type staged map[*resource]map[int]uint32

func (s staged) set(r *resource, domain int, value uint32) {
	if s[r] == nil {
		s[r] = map[int]uint32{}
	}
	s[r][domain] = value
}

// apply is resctrl_arch_update_domains for all resources.
func (s staged) apply(closid int) {
	for r, domains := range s {
		for d, value := range domains {
			r.values[d][closid] = value
		}
	}
}

// nameWidth is how wide names are printed: as if code and data were apart where they could be (schemata_list_add).
func (t *Table) nameWidth() int {
	width := 0
	for _, r := range t.resources {
		w := len(r.name)
		if r.name == "L3" && t.cache.CDPCapable {
			w = len("L3CODE")
		}
		width = max(width, w)
	}
	return width
}

// Schemata is what a CLOSID may use, one line a resource (rdtgroup_schemata_show).
func (t *Table) Schemata(closid int) string {
	return t.lines(closid, func(r *resource, value uint32) string { return fmt.Sprintf(r.verb, value) })
}

// Size is the same in bytes of cache, and bandwidth values as they are (rdtgroup_size_show).
func (t *Table) Size(closid int) string {
	return t.lines(closid, func(r *resource, value uint32) string { return strconv.FormatUint(uint64(r.size(value)), 10) })
}

func (t *Table) lines(closid int, format func(*resource, uint32) string) string {
	var b strings.Builder
	width := t.nameWidth()
	for _, r := range t.resources {
		fmt.Fprintf(&b, "%*s:", width, r.name)
		for d, id := range t.ids {
			if d > 0 {
				b.WriteByte(';')
			}
			fmt.Fprintf(&b, "%d=%s", id, format(r, r.values[d][closid]))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Write changes what a CLOSID may use (rdtgroup_schemata_write). The text has no newline at its end. Every line must be right before any
// takes effect, and what is not named stays. Every refusal is EINVAL.
func (t *Table) Write(closid int, text string) syscall.Errno {
	values := staged{}
	for l := range strings.SplitSeq(text, "\n") {
		name, rest, found := strings.Cut(l, ":")
		name = kerneltext.Trim(name)
		switch {
		case !found:
			t.status.Puts("Missing ':'\n")
			return syscall.EINVAL
		case rest == "":
			t.status.Printf("Missing '%s' value\n", name)
			return syscall.EINVAL
		case !t.parseResource(closid, name, rest, values):
			return syscall.EINVAL
		}
	}
	values.apply(closid)
	return 0
}

// parseResource is rdtgroup_parse_resource.
func (t *Table) parseResource(closid int, name, text string, values staged) bool {
	for _, r := range t.resources {
		if r.name == name {
			return t.parseDomains(closid, r, text, values)
		}
	}
	t.status.Printf("Unknown or unsupported resource name '%s'\n", name)
	return false
}

// parseDomains is parse_line: id=value, separated by semicolons, one may stand at the end. Blanks are allowed around values and before
// or after a resource's name, not around ids. An id that the machine does not have is refused without a word.
func (t *Table) parseDomains(closid int, r *resource, text string, values staged) bool {
	for text != "" {
		var item string
		item, text, _ = strings.Cut(text, ";")
		id, value, found := strings.Cut(item, "=")
		n, errno := kerneltext.Unsigned(id, 10, 1<<64-1)
		if !found || errno != 0 {
			t.status.Puts("Missing '=' or non-numeric domain\n")
			return false
		}
		d := t.domain(n)
		if d < 0 {
			return false
		}
		if _, twice := values[r][d]; twice {
			t.status.Printf("Duplicate domain %d\n", n)
			return false
		}
		v, ok := r.parse(closid, d, kerneltext.Trim(value))
		if !ok {
			return false
		}
		values.set(r, d, v)
	}
	return true
}

// domain is the index of a cache id, or -1.
func (t *Table) domain(id uint64) int {
	for d, have := range t.ids {
		if uint64(have) == id {
			return d
		}
	}
	return -1
}
