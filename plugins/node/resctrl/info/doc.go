// Package info reads what a machine can divide and count: the folder info of a resctrl tree, and of the groups' schemata the domains and the
// units of bandwidth, which stand nowhere else. What cannot be understood is left out and named, never guessed.
//
// Formats and constants follow fs/resctrl (rdtgroup.c, ctrlmondata.c) and arch/x86/kernel/cpu/resctrl/core.c of Linux.
package info
