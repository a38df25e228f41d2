// Package mount shows a resctrlfs.Tree to programs and shells as a FUSE file system. Every read and write goes to the tree, nothing is
// cached; permissions are checked by the kernel, so that root without CAP_DAC_OVERRIDE cannot make groups, as on the real thing.
//
// It needs Linux, /dev/fuse and CAP_SYS_ADMIN, and no fusermount: it calls mount(2) itself. The device is closed when the process ends,
// however it ends, and then every access answers ENOTCONN at once; what stays behind is an entry in the mount table, which the next
// Mount on the same directory or Detach takes away.
//
// A process that has a Mount must not start another with its working directory there (exec.Cmd.Dir): between fork and exec the child
// waits for the mount and the parent, which should answer, waits for the child. Let the child change directory.
//
// What differs from resctrl: statfs(2) says FUSE, a write of no bytes does not arrive, files have the caller's inode numbers only while
// somebody uses them, and chmod and chown are EPERM.
package mount

// Options of a mount. The zero value shows the tree as it is, with the tasks that were put there and its own time.
type Options struct {
	// Live ties the tree to this machine: tasks are the machine's threads, as far as the process sees them in /proc, and once a second
	// RMIDs are looked for that can leave limbo, their occupancy falling with a time constant of 2 s.
	Live bool
}
