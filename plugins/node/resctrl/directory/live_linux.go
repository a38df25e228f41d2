package directory

import "golang.org/x/sys/unix"

// isLive says whether a folder is on resctrl, or on FUSE, where a server plays resctrl.
func isLive(root string) (bool, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(root, &s); err != nil {
		return false, err
	}
	return uint32(s.Type) == unix.RDTGROUP_SUPER_MAGIC || uint32(s.Type) == unix.FUSE_SUPER_MAGIC, nil
}
