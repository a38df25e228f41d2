// Package jointplacement is a kube-scheduler plugin that places pods that wait together, together.
//
// # What it decides
//
// Pods that come in a group are held (PreEnqueue) until the group is complete, and planned at once on the cluster as it is: which
// node for each, so that the sum of predicted performance (predictor/interference, in each node's setting as InterferenceFit has it) gains
// most, less what soft constraints cost. One pod after the other, as Score sees them, the first get the best neighbours and the last what is
// left. The plan (package plan) is a configuration LP: it comes with a
// bound that no placement exceeds, and "optimal under the model" is said only where that is proven.
//
// The plan is data: each pod gets its node as status.nominatedNodeName. kube-scheduler tries that node first, with all filters of the
// profile, and falls through to all nodes if one refuses. So every constraint of Kubernetes wins over the plan. In planning count:
// what nodes have left, their present mix (bound, reserved, nominated and planned pods), node selectors, required node affinity,
// taints and cordons. Host ports, volumes, affinity between pods, topology spread and floors (ballast.dev/min-performance) do not:
// there kube-scheduler falls through, and the rest of the group, as far as its nominations are not written, is planned again without
// that node (up to three times). So it is when a planned node goes away meanwhile. Pods without room in the plan are let go without
// one: kube-scheduler may preempt for them.
//
// # Soft constraints
//
// Medea's placement language (package constraints) says how many pods of a kind are wanted, or stood, on a node beside others:
//
//	{redis, {mms, 0, 0}, node} 0.3       a redis pod costs 0.3 for each mms pod on its node
//	{app=web, {app=web, 0, 2}, node}     at most 2 other web pods; each one more costs 1
//
// Tags are a pod's workload class and its labels as key=value. The weight is on the scale of what is planned for: what each pod of the
// subject costs for one pod that is missing or too many, in containers' worth of alone-performance; 1 where none is given. So a plan
// breaks a constraint where the model predicts more gain by it, and says in its event what that costs. Those of the cluster's operator
// stand in argument constraints and hold for all pods; those of an application in annotation ballast.dev/constraints of its pods, and
// hold for the pods that carry it, at most 20 in one annotation and 1,000 in all. Those of pods that run already count too. Pods of the
// background are not counted. An annotation that cannot be read is ignored, with a warning event.
//
// The only node group is the node (node, or kubernetes.io/hostname): what a rack or zone costs is no sum over its nodes, as the configuration
// LP needs it; topologySpreadConstraints are for that. Only plans go by soft constraints; the scores of InterferenceFit don't, so that
// pods without a plan may break them. Affinity, anti-affinity and spread of Kubernetes win over them, as over the plan.
//
// # Which pods, and for how long
//
// Held are pods of a class that the model measured (the rule for classes is that of InterferenceFit); never pods of DaemonSets, static
// and system-critical pods, pods with scheduling gates, and pods that carry a nominated node already. A pod's group is, in this order:
//
//	label scheduling.x-k8s.io/pod-group        its size: annotation ballast.dev/group-size, else minMember of the PodGroup of that name
//	spec.schedulingGroup (Kubernetes 1.36)     its size: as above, else minCount of a gang PodGroup
//	the pod's controller                       complete when none came for a window
//	all others                                 likewise
//
// A group whose annotated number of pods exist is planned at once; one whose minimum exist, or of unknown size, a window after its
// last pod; any group maxWait after its first pod, with those that are there. A group that is ready waits up to a window for others
// that are about to be, and all that are ready are planned as one.
//
// With gang: true, groups of known size are all or nothing: they wait, beyond maxWait, until all pods exist and the plan has room for
// all, and their pods say in an event what for. They pass once all nominations are written. kube-scheduler still places pod by pod: for
// a guarantee at binding use a gang plugin beside this one.
//
// # Blind, shadow, off
//
// The plugin holds nothing when it is blind: switch off or not read yet, no model, a model that is refused or too old. A change is
// acted on at once, ageing within 2 seconds: pods that are held go. In mode shadow nothing is held or written; plans are made, counted
// and logged beside what was done without them.
//
// # Configuration
//
//	profiles:
//	- schedulerName: ballast-scheduler
//	  plugins:
//	    multiPoint:
//	      enabled:
//	      - name: InterferenceFit      # for pods that come alone, and where a plan falls through
//	        weight: 10
//	      - name: JointPlacement
//	  pluginConfig:
//	  - name: JointPlacement
//	    args:
//	      apiVersion: kubescheduler.config.k8s.io/v1
//	      kind: JointPlacementArgs
//	      modelName: default
//	      window: 500ms
//	      maxWait: 5s
//	      constraints: |
//	        {redis, {mms, 0, 0}, node} 0.3
//
// # At 3 a.m.
//
// Pods wait and should not: set key mode of ConfigMap ballast-system/ballast to off (everything of Ballast), or take the plugin out of the
// profile and restart the scheduler (this alone). Held pods have no condition, as kube-scheduler writes none for PreEnqueue; metric
// pods_held counts them, and `kubectl get pods -o wide` shows the nominated nodes of planned ones. Nothing is held for longer than
// maxWait and 10 seconds, but gangs, and what waits for its turn to be written: the client's limit (clientConnection.qps) holds for
// nominations as it does for bindings. Where nobody answers about PodGroups, planning comes 2 seconds later, and a group may be planned
// without the number of pods that its PodGroup wants. A nomination that stands reserves its room against pods of the same or lower priority, as after
// a preemption; kube-scheduler clears it when the pod fits nowhere, the API server when it is bound. A restart loses no plan that is
// written. Every replica of the scheduler holds pods in its own queue, and only the one that leads plans.
//
// # Metrics
//
// All begin with scheduler_jointplacement_ and carry the profile: blind{reason}, pods_held, hold_seconds, plans_total{mode,result},
// planned_pods_total{mode}, plan_seconds, plan_gap_ratio, placements_total{honoured}, released_total{reason}, replans_total,
// events_dropped_total.
package jointplacement
