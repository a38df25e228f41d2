// Package graphscore is a kube-scheduler plugin that chooses nodes by what latency objectives lose.
//
// # What it decides
//
// InterferenceFit asks how much faster or slower pods run; GraphScore asks whether anybody waits for it. The recommender publishes for each
// LatencyObjective how its percentile reacts to the speed of each workload, and what calls cost on the way between nodes and zones
// (LatencyModel objects). With the predicted speed of a pod beside the pods of a node (InterferenceModel, predictor/interference) the loss
// of a node is the change of the objectives' percentiles if the pod ran there, as a share of their targets: by the pod's own speed, by that
// of its neighbours, and by the way of its calls. Package stake has the formulas. NormalizeScore maps losses to 0..100 relative to the
// best candidate, on a fixed scale:
//
//	score = max(0, 100 - round((loss - best loss) / 0.001))
//
// so 100 is the best node, and a point is a thousandth of the target. It filters nothing.
//
// A service that is much of the tail gets the quiet node, and one that is little of it leaves it to others. Pods that no objective waits for
// are left to the other plugins, also where they would disturb those that are waited for: InterferenceFit sees to that. With weight 10, as in
// manifests/scheduler, a thousandth of the target weighs as much as 10 points of a stock plugin of weight 1, and as a hundredth of a
// container's alone-performance does for InterferenceFit.
//
// # Missing and stale data
//
// The plugin is neutral (PreScore skips) for pods under no objective, and while the switch is off or was not read yet. A LatencyModel that is
// older than latencyModelMaxAge, of the future, in shadow or refused counts as if its objective were not there. Where it is in doubt how a node
// is divided (package nodesetting), the setting counts in which most is lost. Without an interference model, or
// for a pod of no class that it has, only the network counts; if nothing tells nodes apart, PreScore skips. Pods of unknown class press
// on the pod itself, never on what its neighbours lose, so that no node is best because of what is not known about it. In shadow every score
// is 0, and all is computed, logged and counted.
//
// # Configuration
//
//	profiles:
//	- schedulerName: ballast-scheduler
//	  plugins:
//	    multiPoint:
//	      enabled:
//	      - name: GraphScore
//	        weight: 10
//	  pluginConfig:
//	  - name: GraphScore
//	    args:
//	      apiVersion: kubescheduler.config.k8s.io/v1
//	      kind: GraphScoreArgs
//	      modelName: default         # an InterferenceModel object
//	      modelMaxAge: 168h
//	      staleModelPolicy: FailOpen # or FallBack
//	      latencyModelMaxAge: 10m
//
// # Metrics
//
// All begin with scheduler_graphscore_ and carry the profile: latency_models{state}, latency_model_age_seconds,
// blind{reason} (no interference model), model_updates_total{result}, switch_errors_total, skipped_pods_total{reason}, decisions_total{mode}, events_dropped_total, predicted_loss_ratio (histogram).
//
// # Cost
//
// A node's residents are read once per change of the node and of the models. Score is then one look-up and a prediction for the pod and for
// each class of residents under an objective, without allocation.
package graphscore
