// Package schemata holds the words of Linux resctrl as values: what a machine can divide ([Capacity]), the control groups there are
// ([State]) and their control values ([Values], the content of a schemata file). Package resctrl reads and writes them; package partition
// plans with them. It decides nothing but what the kernel would refuse ([Resource.Check]), after cbm_validate and bw_validate of
// fs/resctrl/ctrlmondata.c.
//
// Limits that all processors keep: a mask has at most 32 bits, a bandwidth is an unsigned 32-bit number.
package schemata
