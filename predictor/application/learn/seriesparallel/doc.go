// Package seriesparallel decides of which calls, one after the other and side by side, the requests of a pattern consist: it turns the tree
// of calls of package graphpattern into the parts of package application, with the mean number of calls that requests made.
//
// What a call waits for one after the other is a series, with the calls of an operation put together. Branches are kept apart, and so are
// groups of branches that follow each other, because the longest of two sums is less than the sum of the longest. How often a part is
// there is what requests made in the mean where the operation stands at one place of the tree, else the middle of its bucket; last all
// calls of an operation are scaled, so that they add up to the mean.
//
// Counts are calls of a request. Trees of more than mostNodes nodes or parts, or deeper than application.MaxDepth, are turned down.
package seriesparallel
