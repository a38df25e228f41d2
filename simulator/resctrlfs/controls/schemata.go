package controls

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// staged are values that were accepted and wait for the rest of the write: by resource, then index of the domain.
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
			r.domains[d].values[closid] = value
		}
	}
}

// Schemata is what a CLOSID may use, one line a resource (rdtgroup_schemata_show). Masks are hexadecimal, bandwidth is decimal
// (resctrl_schema.fmt_str); older kernels give all values one width, with zeros and with blanks.
func (t *Table) Schemata(closid int) string {
	width := 0
	for _, r := range t.resources {
		if t.machine.Kernel.Pads() {
			width = max(width, r.dataWidth())
		}
	}
	return t.lines(closid, func(r *resource, value uint32) string {
		if r.cache != nil {
			return fmt.Sprintf("%0*x", width, value)
		}
		return fmt.Sprintf("%*d", width, value)
	})
}

// dataWidth is how wide a value is printed by kernels that pad (rdt_get_cache_alloc_cfg, __get_mem_config_intel, __rdt_get_mem_config_amd).
func (r *resource) dataWidth() int {
	switch {
	case r.cache != nil:
		return (r.cache.Ways + 3) / 4
	case r.bandwidth.Linear:
		return 3
	}
	return 4
}

// Size is the same in bytes of cache, the division coming first (rdtgroup_cbm_to_size), and bandwidth values as they are
// (rdtgroup_size_show).
func (t *Table) Size(closid int) string {
	return t.lines(closid, func(r *resource, value uint32) string {
		if c := r.cache; c != nil {
			value = c.Bytes / uint32(c.Ways) * uint32(countWays(value))
		}
		return strconv.FormatUint(uint64(value), 10)
	})
}

// lines is show_doms for all resources.
func (t *Table) lines(closid int, format func(*resource, uint32) string) string {
	var b strings.Builder
	width := 0
	for _, r := range t.resources {
		width = max(width, r.width)
	}
	for _, r := range t.resources {
		fmt.Fprintf(&b, "%*s:", width, r.name)
		separator := ""
		for _, d := range r.domains {
			if d.online {
				fmt.Fprintf(&b, "%s%d=%s", separator, d.id, format(r, d.values[closid]))
				separator = ";"
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Write changes what a CLOSID may use (rdtgroup_schemata_write). The text has no newline at its end. Every line must be right before any
// takes effect, and what is not named stays; limits in MB/s alone take effect as they are read. Every refusal is EINVAL.
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
		d := r.domain(n)
		if d < 0 {
			return false
		}
		if _, twice := values[r][d]; twice {
			t.status.Printf("Duplicate domain %d\n", n)
			return false
		}
		if !t.parseValue(closid, r, d, kerneltext.Trim(value), values) {
			return false
		}
	}
	return true
}

// parseValue is parse_cbm or parse_bw.
func (t *Table) parseValue(closid int, r *resource, d int, text string, values staged) bool {
	if r.cache != nil {
		mask, ok := t.parseMask(r, closid, d, text)
		if ok {
			values.set(r, d, mask)
		}
		return ok
	}
	value, ok := t.parseBandwidth(r, text)
	switch {
	case ok && r.inMBps && !t.machine.Kernel.WideMBps():
		r.domains[d].values[closid] = value
	case ok:
		values.set(r, d, value)
	}
	return ok
}

// domain is the index of a cache id that is online, or -1.
func (r *resource) domain(id uint64) int {
	for i, d := range r.domains {
		if d.online && uint64(d.id) == id {
			return i
		}
	}
	return -1
}
