package kerneltext

// Kernel is how a kernel writes and what it can, where versions differ.
type Kernel int

// The kernels. What else differs between versions is not told apart.
const (
	// Modern is Linux 6.16 to 6.18.
	Modern Kernel = iota
	// Padded is Linux 5.15, the oldest that Ballast works with: values in schemata have one width, a tasks file takes one id at a time,
	// nothing can be renamed, sparse_masks is not shown.
	Padded
	// Legacy is Linux 4.20: as Padded, and messages begin in lower case, caches come before bandwidth in schemata, and
	// thread_throttle_mode is not shown (fs/resctrl lay in arch/x86/kernel/cpu as intel_rdt_rdtgroup.c and intel_rdt_ctrlmondata.c).
	Legacy
)

// Pads reports whether the numbers of schemata have one width (data_width, gone since Linux 6.16).
func (k Kernel) Pads() bool { return k != Modern }

// CachesFirst reports whether schemata has L3, then L2, then MB (rdt_resources_all); since Linux 5.14 it is the other way round
// (schemata_list_add).
func (k Kernel) CachesFirst() bool { return k == Legacy }

// TakesLists reports whether a tasks file takes several ids in one write (Linux 6.7, rdtgroup_tasks_write).
func (k Kernel) TakesLists() bool { return k == Modern }

// RMIDFirst reports whether mkdir takes an RMID before a CLOSID, so that one without a CLOSID costs an RMID its time in limbo
// (mkdir_rdt_prepare before Linux 6.9).
func (k Kernel) RMIDFirst() bool { return k != Modern }

// Renames reports whether monitoring groups can be renamed (Linux 6.5, rdtgroup_rename).
func (k Kernel) Renames() bool { return k == Modern }

// ShowsSparse reports whether info has sparse_masks (Linux 6.7).
func (k Kernel) ShowsSparse() bool { return k == Modern }

// ShowsThrottleMode reports whether info has thread_throttle_mode (Linux 5.12).
func (k Kernel) ShowsThrottleMode() bool { return k != Legacy }

// WideMBps reports whether MB values are read with 64 bits, rounded up to a step in MB/s too, and then cut to 32 (bw_validate before Linux
// 6.12, "x86/resctrl: Avoid overflow in MB settings in bw_validate()"), and whether limits in MB/s wait for the rest of the write as
// others do (parse_bw before 6.1).
func (k Kernel) WideMBps() bool { return k != Modern }

// word is a message as this kernel puts it.
func (k Kernel) word(format string) string {
	for since := Padded; since <= k; since++ {
		if old, other := olderWords[since][format]; other {
			return old
		}
	}
	return format
}

// olderWords are messages that a kernel and those before it word otherwise.
var olderWords = map[Kernel]map[string]string{
	Padded: {"Invalid MB value %s\n": "Non-decimal digit in MB value %s\n"}, // bw_validate before Linux 6.12
	Legacy: { // before "x86/resctrl: Fixup the user-visible strings" of Linux 5.0
		"Duplicate domain %d\n":                                 "duplicate domain %d\n",
		"Non-hex character in the mask %s\n":                    "non-hex character in mask %s\n",
		"Mask out of range\n":                                   "mask out of range\n",
		"The mask %x has non-consecutive 1-bits\n":              "mask %x has non-consecutive 1-bits\n",
		"Need at least %d bits in the mask\n":                   "Need at least %d bits in mask\n",
		"Unknown or unsupported resource name '%s'\n":           "unknown/unsupported resource name '%s'\n",
		"Overlaps with exclusive group\n":                       "overlaps with exclusive group\n",
		"Overlaps with other group\n":                           "overlaps with other group\n",
		"Schemata overlaps\n":                                   "schemata overlaps\n",
		"Unknown or unsupported mode\n":                         "unknown/unsupported mode\n",
		"No space on %s:%d\n":                                   "no space on %s:%d\n",
		"Out of CLOSIDs\n":                                      "out of CLOSIDs\n",
		"Out of RMIDs\n":                                        "out of RMIDs\n",
		"Bad CPU list/mask\n":                                   "bad cpu list/mask\n",
		"Can only assign online CPUs\n":                         "can only assign online cpus\n",
		"Can only add CPUs to mongroup that belong to parent\n": "can only add CPUs to mongroup that belong to parent\n",
	},
}
