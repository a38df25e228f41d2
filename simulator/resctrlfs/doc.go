// Package resctrlfs is a resctrl file system in memory that answers as the Linux kernel does: what it accepts, how it rounds, what it
// reads back, which errno it returns and which sentence it leaves in info/last_cmd_status. Plain files cannot say no; code that was only
// ever tested on plain files finds out on a customer's machine.
//
// A Tree is built from a Spec, which holds what a machine's CPUID would tell the kernel: cache ids, ways, CLOSIDs, RMIDs. Counters, tasks
// and the passing of time come from the caller, so that a test or a simulated machine decides them.
//
// Package machines says what a machine is and has some ready; controls has the rules of schemata and modes, monitoring those of RMIDs and
// counters, threads the tasks, kerneltext numbers and CPU sets in text and what older kernels do otherwise, kernfs names and nodes; this
// one has groups, CPUs and mounts. Package faults makes operations fail, traffic lets counters answer to masks and limits, and mount shows
// a Tree to programs and shells.
//
// # Which kernel
//
// The rules are those of fs/resctrl in Linux 6.16 to 6.18 (before 6.16 the same code lay in arch/x86/kernel/cpu/resctrl): numbers are
// not padded, a tasks file takes a list of ids, messages begin with a capital. Spec.Kernel takes those of Linux 5.15 and 4.20 instead. Names
// are those of rdtgroup.c, ctrlmondata.c and monitor.c there, of core.c in arch/x86/kernel/cpu/resctrl, of fs/kernfs, lib/kstrtox.c and
// lib/bitmap-str.c; comments name the kernel's function where a rule is decided. docs/resctrl-rules.md has one row for each rule, with its
// source and its test. The kernel is taken to be built without CONFIG_RESCTRL_FS_PSEUDO_LOCK: mode pseudo-locksetup is unknown.
//
// # What is covered
//
// L3 and L2 masks, also of code and data apart; memory bandwidth in percent, in AMD's units and in MB/s; slow memory; monitoring of
// the L3 cache, by node with sub-NUMA clustering, with counters that are assigned and events that are configured; control and
// monitoring groups, tasks, CPUs, modes, sizes, limbo; CPUs and caches that come and go; mount, unmount and mount options; older formats.
//
// # Differences that remain
//
// A name is resolved before the operation and nothing can come between. Owners of directories are not kept: all belong to root.
// Rename of a file below info is ENOENT (what the kernel reads there is not a group). Writes of more than 4096 bytes are refused
// (E2BIG) without looking at the content, as kernfs does for PAGE_SIZE on x86.
//
// With mba_MBps, limits are kept in the files; the loop that adjusts percentages once a second to keep them (update_mba_bw) is not here.
// Not here either: pseudo-locking, io_alloc, event_configs of assigned counters, energy and other events of a package, and mbm_assign_mode
// on machines whose counters are not assigned (Linux 6.18 shows "[default]" there). The kernel's own look at counters once a second, which
// takes the first Unavailable after a configuration away, is left to the reader. The file systems of older kernels differ in what the
// constants of package kerneltext say; what came and went otherwise between versions is not told apart.
package resctrlfs
