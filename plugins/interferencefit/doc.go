// Package interferencefit is a kube-scheduler plugin that chooses nodes by how much the pods on a node slow each other down.
//
// # What it decides
//
// A model (predictor/interference, carried by an InterferenceModel object) predicts the performance of a container of a workload
// class beside a given mix of others, as a fraction of its performance alone on the node. A pod's class is its label
// ballast.dev/class, else <namespace>/<top controller>. The mix of a node is NodeInfo.GetPods(), one unit a pod: pods of
// DaemonSets and static pods are left out, because they were there when the classes were measured alone, and terminated pods;
// a pod of no class that the model has counts as unknown load. The value of a node is
//
//	V(mix) = sum over pods of predicted performance        (containers' worth of alone-performance)
//
// Score: the gain of a node is V(mix + pod) - V(mix), what the pod achieves there less what it takes from the others (or plus
// what it gives: neighbours may help). Unknown load presses on the pod and never improves a node's gain. NormalizeScore maps
// gains to 0..100 relative to the best candidate, on a fixed scale:
//
//	score = max(0, 100 - round((best gain - gain) / 0.01))
//
// so 100 is the best node, and a point is one hundredth of a container's alone-performance. With weight 10, as in
// manifests/scheduler, a loss of 0.01 weighs as much as 10 points of a stock plugin of weight 1.
//
// The model is that of the node's setting (package nodesetting): its machine shape, by label, and the partitions that it is divided into,
// by the status of its NodeIsolation object. A node whose setting is in doubt (not in the model, or by a report older than 3 minutes) gets
// the least gain of those that it may have; its events and a metric say so.
//
// Filter: rejects a node only where annotation ballast.dev/min-performance (a number above 0 up to 1) asks for it, on the pod
// or on a resident, only by measured classes, and only if this pod newly pushes somebody below the floor: a resident that is
// below it already is not this pod's doing. Load of unknown or never measured classes does not count for filters, so that
// uncertainty never blocks a cluster; it counts for scores. The status is UnschedulableAndUnresolvable: nobody is preempted for a
// prediction; in return a resident's floor does not bind pods of higher priority. Pods of DaemonSets and system-critical pods (priority of 2,000,000,000 or more) are never rejected, and residents
// that belong to the background (DaemonSets, static pods) are not protected. An annotation that is no such number is ignored,
// with a warning event. Reasons name the class and the floor but no prediction, since kube-scheduler counts nodes by equal text.
//
// Reserve: shows the decision in an event on the pod, a log line (level 2) and metrics. Events are bounded in number (25 a second);
// the log is not. A profile that goes blind, or sees again, says so in an event on the InterferenceModel.
//
// # Missing and stale data
//
// For news of nodes that are missing or old see package nodesetting: they never make a node better, and reject none.
//
// Package modelsource says when a plugin is blind, and serves other plugins as well. Package nodemix has gains, broken floors and the cache, podclass
// says what a pod is, floor what it was promised, held which pods wait for us.
//
// The plugin is neutral (PreScore and PreFilter skip, stock scheduling) when it is blind: the switch is off or was not read yet,
// the model object or its CRD is missing, the object is refused and there was no good one before, or the model is older than
// modelMaxAge (now less spec.publishedAt) or from the future. It is neutral for a pod of unknown class and for pods of DaemonSets. An object that becomes invalid leaves
// the last good model in force; a deleted object ends it. What else happens is staleModelPolicy:
//
//	FailOpen    stale = no model (default)
//	FailClosed  while there is no fresh model (stale, missing or refused), pods with ballast.dev/min-performance wait; the
//	            others are placed by the stock plugins
//	FallBack    a stale model keeps deciding, and every event says so; with no model at all it is FailOpen
//
// The switch is key mode of ConfigMap ballast-system/ballast: active (also where the map or the key is missing), shadow or off;
// any other value keeps the mode. In shadow every score is 0 and Filter rejects nothing, but all is computed, logged and
// counted. A change of switch or model is acted on at once; pods that the plugin held try again.
//
// # Configuration
//
//	profiles:
//	- schedulerName: ballast-scheduler
//	  plugins:
//	    multiPoint:
//	      enabled:
//	      - name: InterferenceFit
//	        weight: 10
//	  pluginConfig:
//	  - name: InterferenceFit
//	    args:
//	      apiVersion: kubescheduler.config.k8s.io/v1
//	      kind: InterferenceFitArgs
//	      modelName: default        # an InterferenceModel object
//	      modelMaxAge: 168h
//	      staleModelPolicy: FailOpen
//
// # Metrics
//
// All begin with scheduler_interferencefit_ and carry the profile: blind{reason}, mode{mode}, model_age_seconds,
// model_updates_total{result}, switch_errors_total, skipped_pods_total{reason}, filter_rejections_total{mode,protects},
// decisions_total{mode,basis}, doubtful_decisions_total{doubt}, node_reports{state}, node_report_age_seconds, shadow_decisions_total{agrees}, events_dropped_total, placements, predicted_performance_ratio
// (histogram). A shadow
// decision agrees if the chosen node is one that the prediction alone ranks first; what the sum with other plugins' scores would
// have been is not known.
//
// # Cost
//
// A mix is read once per change of a node and kept with the model's version and the report on the node (NodeInfo generations number
// contents, clones for preemption and nominated pods included). NodeIsolation objects are followed only for a model that names settings:
// an agent writes its own every 10 to 60 seconds, of which two names and a time are kept. Score is then one look-up and one evaluation of V, without allocation; the gain is remembered
// until the node changes, for the next pod of the class.
package interferencefit
