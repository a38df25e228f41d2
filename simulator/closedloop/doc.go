// Package closedloop runs the second half of Ballast's demonstration: one application of services (package hotel) under a latency
// objective, for an hour, in two arms at once on one real control plane.
//
//	arm      pods are placed by     CPU requests come from                            namespace, nodes
//	stock    kube-scheduler         VPA's own recommender                             hotel-stock, hotel-stock-0 ...
//	Ballast  ballast-scheduler      ballast-recommender, with a LatencyObjective      hotel-ballast, hotel-ballast-0 ...
//
// metrics-server, VPA's updater and its admission controller serve both. Both arms see the same requests at the same times with the
// same work (see package queueing on random numbers); what differs is where pods are and what they request.
//
// # What is real
//
// etcd, kube-apiserver, kube-controller-manager, both schedulers, both recommenders, updater, admission controller and metrics-server,
// with the permissions of their manifests. Simulated are the nodes and what runs on them: package hollownode plays the kubelets
// on a queueing plant, whose truth about neighbours is hotel.Interference. No part of Ballast knows that truth: its scheduler
// has a model fitted to mixes measured on it with noise, its recommender sees usage, spans and histograms.
//
// On each node of the Ballast arm runs ballast-node's own agent, in this process, on an emulated resctrl tree (package isolation). It divides
// its node as a NodeIsolation object says, which is applied here as with kubectl. No thread is placed in a partition yet, and the plant is told
// nothing of them: they change no figure.
//
// # Time
//
// The plant's clock runs Speedup times as fast as the wall's, and every period of both arms is divided by Speedup, the cluster
// being the exact time-scaled copy of one in which the hour takes an hour. The LatencyObjective therefore asks for hotel.TargetSeconds / Speedup.
// What Result says of latencies and times is multiplied back.
//
// # Order
//
// Prepare makes nodes, half of which run batch work that streams through memory, lets the schedulers place the pods with the
// developer's guessed requests, and writes eight days of history (VerticalPodAutoscalerCheckpoint objects, alike in both arms: that
// of pods placed by kube-scheduler under this hour's load, again and again). Then it starts VPA, which takes 21 s because of
// upstream's waits; it can go on while the first half runs. Run starts the rest, sets the VPA objects from Off to InPlaceOrRecreate
// and lets the clock run: WarmUpMinutes that do not count, then an hour that does. An owner of elastic batch pods keeps the nodes
// between 95 % and 98 % requested all the time.
//
// # What must hold
//
// Result.Verify says whether the loop was closed at all: histories taken, metrics there, decisions, resizes, full nodes,
// nodes divided as their objects say. Who does better is not among it.
package closedloop
