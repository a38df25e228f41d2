// Package exposition shows as Prometheus series what the control groups of a node use ([Groups]), and what its local loop does and has found out
// ([Loop]). One goroutine tells the collectors what there is to show; a scrape takes the latest, and waits for nobody.
package exposition
