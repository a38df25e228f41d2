// Package interference predicts how much workload classes that share a node slow each other down, and what a node is worth with
// a given mix on it. It is the model behind every placement decision of Ballast.
//
// # What is predicted
//
// The performance of one container of class t in a mix, as a ratio: 1 is what it does alone on the node, 0.5 half of that, 2.5
// two and a half times as much (a neighbour may provide what the class needs: never assume that neighbours only hurt).
//
// # Form
//
// With u_j the load units of class j that one container of t has as neighbours (its own load less itself),
//
//	ln performance_t = a_t + sum_j u_j·b_tj + sum_j [u_j > 0]·c_tj
//
// fitted by distinct mix, b and c stored as vectors of rank at most 8 (exact up to 8 classes). Metis' own data show why presence
// has terms of its own: redis next to MMS multiplies it by 2.47 however much redis there is (SC'20 artifact, pairs of one
// container each). The law extrapolates better than richer forms, which explode: fitted to Metis' mixes of at most 4 containers it
// errs by 9 % on those of 5 to 8, where a quadratic form is worse than the mean.
//
// The fit is Bayesian linear regression. All effects are believed to lie around the class's average effect, with variances for
// load and for presence that are common to all classes and learned from their spread (empirical Bayes). So what was never
// measured beside a class acts like the average neighbour and is unsure, however well the rest fits.
//
// A mix that was measured is looked up, and the measurement is blended with the law by their precisions: the law errs by its
// lack of fit, the measurement by its noise over the number of repeats.
//
// # Uncertainty
//
// Every prediction has a 90 % interval for a new measurement of the mix. Its width comes from the posterior covariance of the
// effects and the residual, scaled so that it held 90 % of the errors of mixes left out of the fit, and grows for every unit of
// load beyond what was measured. The mean is bounded to the class's range, the interval is not. Quality reports error, R² and
// coverage on mixes that the whole fit, the choice of dimensions included, has not seen (ten folds).
//
// On Metis' mixes: fitted to those of at most 2, 3, 4, 5 containers, the interval holds 100, 97, 95, 92 % of the cells of all
// larger ones; redis, which breaks down faster than any law in its logarithm, only 60 to 80 % of its own.
// The least growth per unit (leastDrift) was set on these same splits, so that they show what it does, not that it holds elsewhere.
//
// Beyond 8 classes the dimensions are learned too, and their uncertainty is not in the covariance: a pair of classes that never met
// in a measurement gets the spread of the effects that were seen instead.
//
// # Node value
//
//	V(mix) = sum over classes of units × weight × predicted performance
//
// is the single interface between this package and placement: the score of a node for a pod is V(mix + pod) − V(mix).
//
// # Limits
//
// Classes are as measured: another machine shape or another version of the application is another class. Interaction of three
// classes and more is represented only as far as logarithms add up, and by look-up. Load that no class is known for presses
// with the mean of the known classes and never helps.
package interference
