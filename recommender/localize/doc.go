// Package localize says which service carries the tail of a request, with what certainty, and how likely it is that the service is the
// cause.
//
// # Shares
//
// The parts of a request on its critical path add up to its duration (package callgraph), so linear quantities of the duration divide
// among the services without a rest: its variance (covariance of the part with the duration), its tail (mean in the requests above a
// percentile less the mean in all) and its rise over a baseline (mean, pattern by pattern of package graphpattern, so that another mix
// of requests is no rise). Each division adds up to 1. FIRM's relative importance, the correlation of part and duration, does not, and
// is 1 for a microsecond that happens to follow the rest (firm-aquatope-drpc 1.4).
//
// Time on the way between two services is the callee's, as it also holds the waiting before the callee begins, but for what the calls of
// one caller have in common: a caller without CPU is late to send and to read answers, whomever it calls. Split tells the three apart.
//
// # Certainty
//
// Standard errors are of a jackknife over 20 consecutive blocks of requests: those close in time are not independent. What is uncertain of
// the percentile itself, by which requests are late, is not in them.
//
// # Probability
//
// A logistic regression on a few numbers (Inputs), with a normal posterior of its weights: what is not certain of the weights pulls the
// probability to one half. Default has weights learnt from faults of Online Boutique; Update learns from one more service of which it
// became known whether it was the cause.
//
// # Not seen
//
// A fault that makes no request slower, one that hits requests the baseline has no pattern of, and a service without spans: what it takes
// counts for its caller. A service that waits for CPU looks like one that waits for its network where neither CPU figures nor the
// times of its other calls are known.
package localize
