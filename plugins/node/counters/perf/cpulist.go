package perf

import (
	"fmt"
	"strconv"
	"strings"
)

// maxCPU is above any CPU's number: the kernel's greatest CONFIG_NR_CPUS is 8192 (arch/x86/Kconfig).
const maxCPU = 1 << 14

// parseCPUs reads a list like 0-3,8 (Documentation/admin-guide/cputopology.rst).
func parseCPUs(text string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 31)
		to, err2 := strconv.ParseUint(last, 10, 31)
		if err != nil || err2 != nil || from > to || to >= maxCPU || len(out) > 0 && int(from) <= out[len(out)-1] {
			return nil, fmt.Errorf("%.40q is not a list of CPUs in ascending order like 0-3,8", part)
		}
		for cpu := from; cpu <= to; cpu++ {
			out = append(out, int(cpu))
		}
	}
	return out, nil
}
