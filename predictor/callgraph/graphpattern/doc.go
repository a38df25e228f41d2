// Package graphpattern sorts requests by the shape of their call graph, and says how frequent each shape is.
//
// # Signature
//
// Two requests are of one pattern if they have the same signature. The signature of a call is the operation by which it came into its
// service, and what it calls: groups one after the other, in each one call or several branches side by side, where a branch is again
// one call or several one after the other. Calls are side by side where they overlap by more than callgraph.Slack. Calls that nobody
// waits for are a group apart. Order in time counts for nothing: the duration of a series is a sum, whatever comes first. Equal
// groups count together, by buckets of 1, 2, 3–4, 5–8, 9–16 and so on, so that a loop over a list makes no pattern of every length.
//
// A retry is another call.
//
// # Shares
//
// Shares are a Dirichlet posterior with Jeffreys' prior, 1/2 for every pattern. Patterns that are rare are pooled: of few traces no
// latency can be learnt. The pool has a share even where it is empty, for what has not been seen yet. The intervals hold for
// requests that come independently of each other; a campaign or a failing service is not.
//
// # Bounds
//
// A Book keeps every distinct signature of a call once, at most MaxNodes of them. Requests that would add more are counted in the pool.
package graphpattern
