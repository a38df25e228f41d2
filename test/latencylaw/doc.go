// Package latencylaw compares the latency law (predictor/latency) with the queueing plant (simulator/plant/queueing). Neither may import
// the other, so the comparison has a place of its own.
package latencylaw
