// Package nodesetting says by which model a node is valued: that of its machine shape and of the partitions that its caches and memory
// bandwidth are divided into. Plugins share it.
//
// A model (predictor/interference) is fitted in one setting, and knows of others how much more or less neighbours weigh there. The name of
// a node's setting is <shape>/<partitions>, as in column setting of a mixes file:
//
//	shape        label ballast.dev/shape of the node, else node.kubernetes.io/instance-type
//	partitions   the names of those in force, joined by +, by the status of the NodeIsolation object of the node's name
//
// A model that names no setting holds for all nodes, and then no NodeIsolation is read. A setting without a shape ("" or "/batch+web") is
// that of every shape that is not named.
//
// # Doubt
//
// A node may be in a setting that the model does not have, or its NodeIsolation may be too old to believe (status.lastReport, 3 minutes), or
// not read yet. Such a node is valued by that of its possible settings in which it gains least: with the news missing it is never
// better than with any that could come. Possible are, with an old report, the partitions of the report, those wanted, and none; else
// all settings of the model. Filters, which must not reject for want of data, go by the likeliest one: that of the old report, else
// the model's own. A node without a NodeIsolation, or in a cluster without that type, is not divided, and in no doubt.
package nodesetting
