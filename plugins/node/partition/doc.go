// Package partition plans how a node's caches and memory bandwidth are divided among resctrl control groups: from the wanted
// partitions, what the machine can divide ([Capacity]) and the groups that are there ([State]) to an ordered list of operations
// ([Plan]) that never leaves a state the kernel would refuse, and never more sharing between partitions than the state before or after
// it has, unless the plan says so in a note.
//
// A partition is one control group: the default group, named [DefaultGroup], or one whose directory is [Prefix] plus the partition's
// name. All other groups belong to somebody else: they are counted (each takes a resource class) and never touched.
//
// The kernel's rules that a plan keeps, by file of fs/resctrl and arch/x86/kernel/cpu/resctrl of Linux:
//   - a group takes one CLOSID and one RMID (rdtgroup.c, mkdir_rdt_prepare), and as many CLOSIDs exist as the poorest resource has
//     (closid_init);
//   - a cache mask lies within cbm_mask, is one run of bits unless sparse masks are allowed, and has at least min_cbm_bits bits
//     (ctrlmondata.c, cbm_validate); the planner itself only makes single runs of at least one bit;
//   - a mask may not meet the ways of a group in mode exclusive or pseudo-locked (ctrlmondata.c, parse_cbm);
//   - a bandwidth lies within [min_bandwidth, the greatest value] and is rounded up to a multiple of bandwidth_gran (bw_validate), so the
//     planner rounds a limit down first; with the mount option mba_MBps it is in MiB/s, and the 2^32-1 of a fresh group is never written
//     ([schemata.Bandwidth.Unlimited]);
//   - a cache whose processors were all away comes back with all of it for every group, those in mode exclusive too
//     (core.c, domain_setup_ctrlval): the next plan asserts what is wanted again, and leaves alone what another's exclusive group then has.
//
// The package is pure: the files are read and written by package resctrl.
package partition
