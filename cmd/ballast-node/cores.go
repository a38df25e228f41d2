package main

import "github.com/prometheus/procfs"

// cores is how many CPUs of the machine are switched on, 0 if that is not known. It is not the number that this process may run on, which
// the runtime package tells: the kubelet's CPU manager takes the CPUs that it gives to others out of the agent's cpuset. The kernel's
// /proc/stat has a line for each that is on (fs/proc/stat.c); where that proc has none, it is asked by the list in sysfs, which a container
// shows too.
func cores(proc string, online func() ([]int, error)) float64 {
	if fs, err := procfs.NewFS(proc); err == nil {
		if stat, err := fs.Stat(); err == nil && len(stat.CPU) > 0 {
			return float64(len(stat.CPU))
		}
	}
	list, err := online()
	if err != nil {
		return 0
	}
	return float64(len(list))
}
