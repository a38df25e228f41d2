// Package replicas says what the pods of a workload are together: the one pod that they stand for in a latency law (Equivalent), how far they
// can be resized where they are (Reaches), and which target and bounds let the VPA updater do no more than that (Workload.Bounds).
package replicas
