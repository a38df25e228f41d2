package resctrl

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// Support says in a sentence why a machine shows no resctrl tree, or where it does. machine is its root folder or a recorded copy of one;
// read are proc/mounts, proc/filesystems and proc/cpuinfo, as far as they are there.
func Support(machine fs.FS) string {
	for _, fields := range rows(machine, "proc/mounts") {
		if len(fields) > 2 && fields[2] == "resctrl" {
			return "resctrl is mounted at " + fields[1] + "."
		}
	}
	kernel := "The kernel's list of file systems could not be read."
	if systems := rows(machine, "proc/filesystems"); len(systems) > 0 {
		kernel = "The kernel has no resctrl (CONFIG_X86_CPU_RESCTRL, CONFIG_ARM64_MPAM)."
		if slices.ContainsFunc(systems, func(fields []string) bool { return fields[len(fields)-1] == "resctrl" }) {
			kernel = "The kernel has resctrl, but it is not mounted: mount -t resctrl /sys/fs/resctrl."
		}
	}
	return processor(machine) + " " + kernel
}

// flags of proc/cpuinfo that resctrl builds on (arch/x86/kernel/cpu/resctrl/core.c).
var flags = []string{"cat_l3", "cat_l2", "cdp_l3", "cdp_l2", "mba", "cqm_llc", "cqm_occup_llc", "cqm_mbm_total", "cqm_mbm_local"}

// processor says what the flags of the first processor promise.
func processor(machine fs.FS) string {
	for _, fields := range rows(machine, "proc/cpuinfo") {
		if fields[0] != "flags" {
			continue
		}
		var found []string
		for _, f := range fields {
			if slices.Contains(flags, f) {
				found = append(found, f)
			}
		}
		if len(found) == 0 {
			return "The processor neither divides nor counts cache and memory bandwidth, or the hypervisor hides it (no flag " +
				"cat_l3, cat_l2, mba or cqm)."
		}
		return fmt.Sprintf("The processor can: %s.", strings.Join(found, " "))
	}
	return "The processor's flags could not be read."
}

// rows are the white-space separated fields of the lines of a file that are not empty; none where it cannot be read. The flags stand in
// the first thousands of bytes of cpuinfo, however many processors follow.
func rows(machine fs.FS, name string) [][]string {
	f, err := machine.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // nothing was written
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil
	}
	var out [][]string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 0 {
			out = append(out, fields)
		}
	}
	return out
}
