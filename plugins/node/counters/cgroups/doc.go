// Package cgroups finds the cgroups of containers in a tree of them, by the names that kubelet and container runtimes give. It reads
// nothing of what the kernel counts in them, which is for package counters.
package cgroups
