// Package recommender is a recommender of the Vertical Pod Autoscaler, named ballast, made of VPA's own packages.
//
// # What it decides
//
// It fills the status (recommendation and conditions) of every VerticalPodAutoscaler object that says
//
//	spec:
//	  recommenders: [{name: ballast}]
//
// and touches no other. Updater and admission controller stay VPA's and act on the status as ever. What it writes is, byte for
// byte, what the stock recommender of the same version writes with its default flags: CPU in millicores and memory in bytes,
// computed by VPA's estimators from usage of the metrics API (metrics.k8s.io), with VerticalPodAutoscalerCheckpoint objects as
// memory. The seam for more is the list in postProcessors: what stands there in front of capping may change a recommendation,
// knowing the VPA that it is for. In one thing it goes further than stock: a VPA object that comes to it from another recommender
// keeps its history.
//
// # Replicas
//
// One replica decides, the one that holds the lease ballast-system/ballast-recommender; the others wait. A replica that takes
// over builds its state from the checkpoints and the API server's objects, and writes its first recommendations one interval
// later. Until then what the last one wrote stays in force. A replica that loses the lease ends its process, because a round of
// VPA's cannot be interrupted. One that is told to stop ends its round first and then gives the lease up.
//
// # Missing data
//
// Where the metrics API is absent or fails, the histories stay as they are and the round goes on with them: a recommendation
// never vanishes. The log says so once a round, vpa_recommender_metric_server_responses counts it. Where VPA's types are not
// installed, or the API server does not answer, the leader waits.
//
// # Switch
//
// Key mode of ConfigMap ballast-system/ballast is active (also where the map or the key is missing), shadow or off; another value
// keeps the mode. It is followed within 10 seconds, and shown in the log and in sla_recommender_mode. In mode off the
// recommendation is the stock one.
//
// # Configuration
//
// One YAML file, strictly decoded over DefaultConfig; see Config:
//
//	apiVersion: recommender.config.ballast.dev/v1alpha1
//	kind: RecommenderConfiguration
//	interval: 1m            # between two rounds
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
// with kube-scheduler. It has VPA's own series (vpa_recommender_..., vpa_quality_...), those of the Go runtime, and
// sla_recommender_mode{mode}, sla_recommender_switch_errors_total and sla_recommender_leader.
package recommender
