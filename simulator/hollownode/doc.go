// Package hollownode plays the kubelet for the pods of given namespaces on simulated nodes: what the API server says about them happens
// on a plant (package queueing), and what happens there is what the API server, the metrics API and a receiver of OpenTelemetry data are
// told. "Hollow node" is Kubernetes' word, from its kubemark tests. The nodes are those of package localcluster.
//
// # What it does
//
//   - A pod that is bound to one of its nodes starts in the plant, at the cost its service's Start says, and is Ready when the plant says so.
//     Pods that come before Start are ready at once.
//   - pods/resize is decided as the kubelet of Kubernetes 1.36 does (package allocation here): a resize whose node has room for all
//     allocated requests is applied at that instant; else the pod gets the condition PodResizePending, reason Deferred, and is tried again
//     whenever something on the node becomes smaller or leaves, in the kubelet's order. That kubelet has no reason Infeasible for
//     a resize larger than the node: it too is Deferred. Memory is accounted for and costs the plant nothing.
//   - A pod that is deleted gets no new calls and has its grace period, in plant seconds, to answer those it has.
//   - Each node has an HTTPS endpoint with /metrics/resource as the kubelet's, for metrics-server.
//   - Spans and histograms of the services go to an OTLP receiver.
//   - Figures for a report are kept by plant minute.
//
// # Time
//
// The plant's clock runs Speedup times as fast as the wall's, and what is told to the outside is the exact time-scaled copy: latencies,
// spans and CPU seconds are divided by Speedup, rates are therefore higher by it, cores are the same. A time of the plant is told as the wall
// time at which the plant should have been there. If the machine is too slow, the plant lags behind by up to clock.MaxLag of wall time; then the
// clock slips: the speedup in force is lower than asked for, which Status shows. Nothing is skipped.
//
// # KWOK
//
// KWOK's stages make a pod Running and Ready, its readiness gates included, as soon as it is bound, so that no gate can hold it back.
// Here the status is written over that, and what was written is written again until it stands: a starting pod may look Ready for a moment.
// The plant sends it no request then. KWOK also deletes a pod as soon as that is asked for, so that its room is free at once for the
// API server, while the plant lets it end its calls. Better is a KWOK that leaves the pods alone (its flag
// --disregard-status-with-label-selector, with a label of theirs): what this package does then is complete, but for the pods' addresses.
//
// # Entry latency
//
// What is exported for the operation of a client is the duration of the root SERVER span, in the pod that the client calls. The
// client's own latency (Series, OperationStats) is longer by the network and by repetitions after time-outs, and is what a
// report judges. There are no CLIENT spans: a SERVER span's parent is the calling SERVER span, and the network is part of the latter.
//
// # Not modelled
//
// Restarting a container for a resize (resizePolicy RestartContainer), the condition PodResizeInProgress, since applying takes no time,
// preemption by critical pods, events, probes, several containers (the use of a pod is reported as its first container's), and what
// package queueing leaves out: a pod never uses more memory than Config.Memory says, whatever its limit.
package hollownode
