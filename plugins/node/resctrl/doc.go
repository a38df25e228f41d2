// Package resctrl reads and writes the files of Linux resctrl: what the machine can divide, the control groups and their values, the
// threads in them, and the counters. It decides nothing: package partition plans, this package carries plans out.
//
// A tree is a mounted resctrl file system, a FUSE mount that behaves like one, or a plain copy of one, in which package directory does what
// the kernel would do on mkdir, rmdir, rename and write. What a file does not say is absent, and never 0: a counter has a state
// ([Missing], [Unavailable], [Unassigned], [Failed]) besides its value, a value that schemata do not state is not in the map, and what a
// tree has but this package does not understand is listed in [Inventory].Unread.
//
// Formats follow fs/resctrl (rdtgroup.c, ctrlmondata.c, monitor.c) and Documentation/filesystems/resctrl.rst of Linux: padded and unpadded
// numbers, blanks before resource names, gaps in domain ids, AMD and Intel bandwidth, code and data apart, sub-NUMA folders.
//
// Refusals have kinds, for callers that can do something about them: [ErrNoRoom] no CLOSID, [ErrNoMonitor] no RMID, [ErrDraining] an RMID in
// limbo (wait, and try again), [ErrInvalid] values, masks above all, that the kernel does not take, also where they meet another manager's
// group in mode exclusive (the status says so; groups of others are in [schemata.State.Foreign]), [ErrUnknownDomain] a cache that is gone,
// [ErrNoWays] nothing for a new group, [ErrNotResctrl] not mounted, [ErrGone], [ErrForbidden], [ErrReadBack], [ErrStale]. What a machine
// cannot do is refused by package partition before anything is written.
//
// The status text in errors is read from info/last_cmd_status after the failed call. That file is one for the whole machine: if another
// manager makes a call in between, the text is that of its call.
package resctrl
