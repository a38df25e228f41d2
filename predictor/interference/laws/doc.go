// Package laws fits how a class's performance follows from its neighbours: Bayesian regressions that share their priors, what they leave
// unsure, and how wrong they are on mixes that they have not seen. Package interference stores and asks what comes out.
package laws
