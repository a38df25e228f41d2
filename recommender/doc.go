// Package recommender is a recommender of the Vertical Pod Autoscaler, named ballast, made of VPA's own packages.
//
// # What it decides
//
// It fills the status (recommendation and conditions) of every VerticalPodAutoscaler object that says
//
//	spec:
//	  recommenders: [{name: ballast}]
//
// and touches no other. Updater and admission controller stay VPA's and act on the status as ever.
//
// A container under a LatencyObjective gets the CPU that the objective needs: target, bounds and uncapped target are those of package
// sizing, within the VPA's policy. All else it writes (memory, other containers, workloads that no objective touches) is, byte for
// byte, what the stock recommender of the same version writes with its default flags: CPU in millicores and memory in bytes,
// computed by VPA's estimators from usage of the metrics API (metrics.k8s.io), with VerticalPodAutoscalerCheckpoint objects as
// memory. In one thing it goes further than stock: a VPA object that comes to it from another recommender keeps its history.
//
// # Latency objectives
//
// Once a round, before VPA's own, each objective's telemetry of the time since the last round is read, up to a quarter of an interval
// before now, because data come late. Its services are joined to the VPA objects of the objective's namespace (package workload), what
// their pods hold, use and could obtain is added from the API server and the metrics API, and package objectives decides. After
// VPA's round the objective's status is written if something in it changed, an event for each condition that turned, and the
// metrics below. An event on a VPA object says where a CPU limit (CPULimit) or a full node (NoHeadroom) keeps a target from helping.
//
// Blind is: no telemetry, too old, too little, or mode off. Then the larger of the last objective-based target and stock's is held for
// 10 minutes, and lowered by a tenth every 5 minutes until it meets stock. The same holds in mode shadow, whose status shows what
// would be asked for. Meanwhile the bounds let running pods be: only those that are resized in place follow the steps. A workload
// that never had an objective-based target is stock at once, and so are those of an objective that is deleted: that is how to force it.
// If several objectives touch a workload, the largest target counts.
//
// Replicas are the pods that are ready and not on their way out, or all if none is; the others count for their nodes. In a pod of
// several containers the one is sized that telemetry names (k8s.container.name), else the pod's annotation
// kubectl.kubernetes.io/default-container, else the busiest; never one whose policy is Off.
//
// Where a HorizontalPodAutoscaler scales the same workload by CPU utilisation, which is usage over request, the two work against each
// other: a larger request lowers the utilisation, replicas go, the load of each rises and with it the request, until minReplicas. Let it
// scale by something that requests do not change: requests a second of a pod, the length of a queue, or CPU as averageValue. Then an
// objective sizes the pods for the replicas there are in each round, and the HPA follows the load.
//
// The attainment in an objective's status is counted by the leader from when it took over. Condition Met is Unknown (Counting) until
// that is the objective's whole window, or what is missing of it cannot matter.
//
// # Telemetry
//
// Spans and histograms come by OTLP over HTTPS (POST /v1/traces, /v1/metrics; see package telemetry), from callers whom the API server
// authenticates and lets post to that non-resource URL: ClusterRole ballast-telemetry-writer. Only the leader takes data. Another
// replica answers 503 with Retry-After and closes the connection, so that the next try, on a new connection to the Service, may reach
// the leader; OpenTelemetry's Collector tries again by itself. See manifests/examples/otel-collector.yaml.
//
// # Nodes
//
// The leader evicts the batch pod that a node's agent names as the last step of its ladder, where the node's NodeIsolation says
// spec.control.eviction LastStep, through the API's Eviction, if it was given the right (manifests/recommender/eviction). See package eviction.
//
// It writes set-points of run-queue delay for the services of the objectives into the NodeIsolation objects that have annotation
// ballast.dev/set-points: recommender and a spec.control, and reads from all of them which pods' instructions neighbours make slow: such a
// window tells sizing nothing about what a call takes for good. See packages nodepoints and sizing.
//
// # Replicas
//
// One replica decides, the one that holds the lease ballast-system/ballast-recommender; the others wait. A replica that takes
// over builds its state from the checkpoints, the objectives' status and the API server's objects, and writes its first
// recommendations one interval later. Until then what the last one wrote stays in force. It has to hear some minutes of telemetry
// before it decides for objectives: meanwhile it is blind, and holds their targets. A replica that loses the lease ends its process,
// because a round of VPA's cannot be interrupted. One that is told to stop ends its round first and then gives the lease up.
//
// # Missing data
//
// Where the metrics API is absent or fails, the histories stay as they are and the round goes on with them: a recommendation
// never vanishes. The log says so once a round, vpa_recommender_metric_server_responses counts it. Where VPA's types are not
// installed, or the API server does not answer, the leader waits. Where the type LatencyObjective is not installed there are none, and
// all is stock; it is noticed within seconds when it comes.
//
// # Switch
//
// Key mode of ConfigMap ballast-system/ballast is active (also where the map or the key is missing), shadow or off; another value
// keeps the mode. It is followed within 10 seconds, and shown in the log and in sla_recommender_mode. Of it and an objective's own
// mode the more cautious counts: shadow shows and does not write, off computes nothing; in both the workloads go back to stock as
// above. VPA objects without an objective are stock in every mode.
//
// # Configuration
//
// One YAML file, strictly decoded over DefaultConfig; see Config:
//
//	apiVersion: recommender.config.ballast.dev/v1alpha1
//	kind: RecommenderConfiguration
//	interval: 1m            # between two rounds
//	speedup: 1              # demonstrations only: divides every period, ours and VPA's own. Divide those of metrics-server and Collector too
//	telemetry:
//	  bindAddress: ""       # none: that of --bind-address
//	  port: 4318            # 0: no receiver
//	eviction:
//	  perMinute: 1          # batch pods of the whole cluster
//	leaderElection:
//	  leaderElect: true
//	  leaseDuration: 15s    # after which another replica takes over from one that is gone
//	  renewDeadline: 10s
//	  retryPeriod: 2s
//
// Percentiles, margins and half-lives are VPA's defaults and cannot be set.
//
// # Endpoints
//
// HTTPS, with a certificate of its own making unless one is given. /healthz is open; it fails when a leader has not ended a round
// for five intervals. /metrics is for callers whom the API server authenticates and lets get the non-resource URL /metrics, as
// with kube-scheduler. It has VPA's own series (vpa_recommender_..., vpa_quality_...), those of the Go runtime, and with prefix
// sla_recommender_: mode{mode}, switch_errors_total, leader, round_duration_seconds, eviction_requests_total{outcome}, the receiver's telemetry_...,
// and by objective objective_{target,predicted,observed,telemetry_age}_seconds, objective_attainment_ratio, objective_blind{reason},
// workload_phase{workload,phase}, workload_target_cores and workload_stock_cores{workload}: in shadow the difference of the two last
// ones, summed up, is what the objectives would save or take; workload_slowdown_ratio{workload}, by how much neighbours make instructions slow.
// workload_run_queue_delay_target_ratio{namespace,workload} and node_set_point_writes_total{result} are of the set-points of nodes.
package recommender
