// Package isolation gives simulated nodes what ballast-node needs of a machine, and says how they are divided: an emulated resctrl tree in
// memory (package resctrlfs) and the product's own agent (plugins/node) on it, in this process. The agent follows its NodeIsolation
// object on the real API server, plans, applies, reads back and publishes its status, as it does in a container.
//
// The objects' specs are fixed here, as a person would apply them with kubectl: the recommender's leader does not write them yet.
//
// # What this does not say
//
// Nothing places threads in partitions yet, so that no partition changes how fast anything runs, on the plant or elsewhere, and nothing
// here tells the plant of partitions. The trees have no threads and no counters: what a group used would be invented.
package isolation
