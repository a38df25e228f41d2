package laws

import (
	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/regression"
)

// The kinds of a regression's terms; terms of one kind share a prior.
const (
	intercept int = iota // ln(performance) alone
	average              // the mean effect of a unit of load, or of a presence, over all neighbour classes
	load                 // what a unit of one class differs from the mean
	presence             // what the presence of one class differs from the mean
	together             // the first kind of interactions; the others follow
	kinds     = together + int(interactions.Bump) + 1
)

// Priors, as standard deviations of ln(performance). They matter where data are few, and keep a model of few data unsure.
const (
	// Alone is 1 by definition; 5 % is the scatter that a careless measurement of it has.
	priorIntercept = 0.05
	// A unit of average load costs at most a third or so: eight of the worst pair of Metis' applications leave 0.156.
	priorAverage = 0.3
	// Where load and presence of single classes start; the data move them (see start). Metis' mixes give 0.04 and 0.22.
	startLoad, startPresence = 0.1, 0.2
	// Where interactions start, loads counted in the largest measured.
	startInteraction = 0.1
	// Where the residual starts: repeats of Metis' mixes scatter by 2 to 4 %, and laws never fit to the noise.
	startResidual = 0.05
	// What the starting values count for, in observations of the same kind.
	startWeight = 4
	// Rounds of learning.
	learningRounds = 12
)

// start is where learning starts: variances of load, presence and each kind of interaction are common to all classes and learned, so
// that a good fit in one place does not make another place certain, and a kind of interaction that explains nothing shrinks away.
func start() regression.Start {
	s := regression.Start{
		Prior: make(regression.Prior, kinds), Learned: make([]bool, kinds),
		Residual: startResidual * startResidual, Weight: startWeight, Rounds: learningRounds,
	}
	s.Prior[intercept], s.Prior[average] = priorIntercept*priorIntercept, priorAverage*priorAverage
	s.Prior[load], s.Prior[presence] = startLoad*startLoad, startPresence*startPresence
	for kind := together; kind < kinds; kind++ {
		s.Prior[kind] = startInteraction * startInteraction
	}
	for kind := load; kind < kinds; kind++ {
		s.Learned[kind] = true
	}
	return s
}
