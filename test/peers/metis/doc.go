// Package metis places as Metis (SC'20) does with the networks its authors published: 60 trained nets of two layers that place a
// batch on 27 nodes (bins of batch size × three levels of a tree), and above them the rule that Metis' high-level agent is shown as
// a demonstration. The trained high-level agent is left out: over 1,501 episodes it gains 0.11 % on the demonstration (the shipped
// run of 200 containers on 81 nodes: 1.1803 against 1.1790).
//
// Weights and arithmetic are float32, as TensorFlow's; choices are by the largest output, so that sub-clusters are deterministic.
package metis
