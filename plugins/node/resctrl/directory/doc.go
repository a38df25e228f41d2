// Package directory is a resctrl tree in the file system: the kernel's mount, a FUSE mount that plays it, or a plain copy of one.
//
// A copy is changed as the kernel would change the tree, as far as plans need it: groups come and go with their files, classes run out,
// values are checked and rounded, threads move, and info/last_cmd_status says why something is refused. Its counters stand still, those
// of a new group are Unavailable. It has no faults, no delays and no versions: for those there is the emulator.
package directory
