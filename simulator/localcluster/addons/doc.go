// Package addons runs what a production cluster has beside its control plane and what Ballast works with: metrics-server, and the
// three components of the Vertical Pod Autoscaler (VPA) v1.7.3, as child processes of a local cluster. Each runs under its
// ServiceAccount with the roles that upstream ships, listens on loopback (one exception below) and has a certificate of the cluster's
// authority:
//
//	cluster, err := localcluster.Start(ctx, localcluster.Config{})
//	...
//	metricsServer, err := addons.StartMetricsServer(ctx, cluster, 60)
//	...
//	vpa, err := addons.StartVPA(ctx, cluster, 60)
//
// The nodes of a local cluster have no kubelet. Whoever plays it serves /metrics/resource by HTTPS on 127.0.0.1, with a certificate by
// Cluster.ServingCertificate, and writes the port into the node's status, daemonEndpoints.kubeletEndpoint, which KWOK leaves alone.
//
// # Speedup
//
// A demonstration cannot wait a day for a histogram to decay. It lets its simulated applications run F times as fast as the wall's
// clock and divides every period of the cluster by F, the speedup; what components do then is what they would do in F times the time.
// Rates of requests to the API server are multiplied by F. F is in [1, MaxSpeedup]; 1 is production. RecommenderFlags, UpdaterFlags
// and Resolution say which periods these are. Waits for a machine, such as time-outs of requests, are not divided.
//
// Upstream's constants without a flag stay as they are. Each is F times too long in the time of the simulated applications:
//
//   - updater: a resize that the node defers is followed by an eviction after 5 min, one in progress after 1 h; an admission
//     controller counts as present for 1 min after it last said so;
//   - admission controller: 10 s before it registers its webhook, and 10 s between its signs of life, the first of which comes 10 s
//     after that. So StartVPA takes over 20 s;
//   - recommender: aggregates without a pod are dropped every 1 h; a VPA without recommendation is complained of after 30 min; a
//     broken watch of evictions is restarted after 10 s;
//   - all: scale subresources are looked up again every 10 min, kinds every 5 min.
//
// # Properties to know
//
// The metrics API tells the time of a measurement in whole seconds (its length exactly), and the recommender skips a measurement that
// is not later than the one before: with rounds of one second it may miss one now and then.
//
// metrics-server spreads the requests of a round over 8 ms for each node, inside its resolution: at F = 60, 250 ms, it has up to 31
// nodes. It drops a pod when one of its containers has used no CPU or no memory yet.
//
// The API server refuses the resize of a running pod whose status does not tell the resources of its first container; KWOK does not
// write them. Whoever plays the kubelets has to.
//
// When metrics-server ends, its part of the API is unavailable, and the controller manager deletes no namespace until it is back.
//
// VPA's admission controller has no flag for the address of its webhook: it listens on all of the machine's, and answers anyone
// there with the recommendation for a pod that is shown to it.
package addons
