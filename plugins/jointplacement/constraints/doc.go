// Package constraints is the placement language of Medea (EuroSys'18): how many containers of a kind are wanted, or stood, near
// containers of another. It says what a placement costs under such constraints, to be subtracted from the predicted value of a node.
//
// # Language
//
// A constraint is
//
//	{subject tags, {target tags, least, most}, node group} weight
//
// for every container that carries all subject tags, the number of other containers with all target tags on the same node group is to
// be from least to most. Affinity is {1, inf}, anti-affinity {0, 0}, anything else cardinality:
//
//	{storm, {hb & mem, 1, inf}, node}     every storm wants an hb with much memory on its node
//	{redis, {mms, 0, 0}, node} 2          redis wants no mms on its node, twice as urgently
//	{spark, {spark, 3, 10}, rack}         3 to 10 other spark containers on the rack
//
// Tags are free words: the class of a container, its role, a label as key=value. A node group is "node", which is a single node, or
// the name of what groups nodes, such as a rack or topology.kubernetes.io/zone.
//
// # Cost
//
// All constraints are soft. Each container of the subject costs weight times the containers that are missing or too many, in units of
// node value: weight 1 is worth the performance of one container alone. That is the objective of the integer program that Metis'
// authors give to Medea (SC'20 artifact, Medea.m: a slack variable for every constraint and container of the subject) in closed form.
// Medea's own text counts the extent relative to least or most instead; the absolute one needs no special case for 0.
//
// The cost of a node group depends on the numbers of containers there alone, so that constraints on nodes add up over nodes and fit a
// configuration LP unchanged; those on larger groups need the counts of the whole group.
//
// Not in the language: constraints that are alternatives of one another (Medea's disjunctive form).
package constraints
