// Package demo runs the first half of Ballast's demonstration (package closedloop is the second): the same batch
// of containers placed twice on the same simulated nodes through the same real API server, by the stock kube-scheduler and by
// ballast-scheduler, and judged by a truth that is not the model.
//
// What is real: etcd, kube-apiserver, kube-controller-manager, both schedulers, their profiles and permissions, every bind. What
// is simulated: the nodes (KWOK makes pods Running, nothing executes), and so the performance of a placement, which comes from a
// table of measurements or from an analytic model of cache and bandwidth. Result says which.
package demo
