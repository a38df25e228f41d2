// Package resctrlfs is a resctrl file system in memory that answers as the Linux kernel does: what it accepts, how it rounds, what it
// reads back, which errno it returns and which sentence it leaves in info/last_cmd_status. Plain files cannot say no; code that was only
// ever tested on plain files finds out on a customer's machine.
//
// A Tree is built from a Spec, which holds what a machine's CPUID would tell the kernel: cache ids, ways, CLOSIDs, RMIDs. Counters, tasks
// and the passing of time come from the caller, so that a test or a simulated machine decides them.
//
// Package controls has the rules of schemata and modes, kerneltext those of numbers and CPU sets in text, kernfs those of names and nodes;
// this one has groups, tasks, CPUs, RMIDs and counters. Package mount shows a Tree to programs and shells.
//
// # Which kernel
//
// The rules are those of fs/resctrl in Linux 6.16 to 6.18 (before 6.16 the same code lay in arch/x86/kernel/cpu/resctrl): numbers are
// not padded, a tasks file takes a list of ids, messages begin with a capital. Names are those of rdtgroup.c, ctrlmondata.c and
// monitor.c there, of fs/kernfs, lib/kstrtox.c and lib/bitmap-str.c; comments name the kernel's function where a rule is decided, and
// the table in rules_test.go has one row for each rule. The kernel is taken to be built without CONFIG_RESCTRL_FS_PSEUDO_LOCK: mode
// pseudo-locksetup is unknown.
//
// # What is covered
//
// L3 masks, memory bandwidth, monitoring of the L3 cache, control and monitoring groups, tasks, CPUs, modes, sizes, limbo. Not yet: code
// and data prioritisation, L2, slow memory, bandwidth in MB/s, counter assignment, sub-NUMA clustering, mount options, CPUs and
// domains that come and go, the formats of older kernels.
//
// # Differences that remain
//
// A name is resolved before the operation and nothing can come between. Owners of directories are not kept: all belong to root.
// Rename of a file below info is ENOENT (what the kernel reads there is not a group). Writes of more than 4096 bytes are refused
// (E2BIG) without looking at the content, as kernfs does for PAGE_SIZE on x86.
package resctrlfs
