// Package workload says which workload a service of the telemetry is, and what CPU the workload's pods have and could have.
//
// It decides on plain values: CPU in cores, objects by name. A workload is what one VerticalPodAutoscaler object targets; its key is
// "namespace/name" of that object. See Match for the rules that join a service to a workload, and Nodes for what a pod could obtain.
package workload
