// Package layout finds masks for what partitions want of one cache: runs of ways that do not meet unless both say that they share, that keep
// most of what groups have, and that stay away from the ways of devices and of groups of others in mode exclusive. It is pure.
package layout
