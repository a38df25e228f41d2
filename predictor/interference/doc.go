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
//	ln performance_t = a_t + sum_j u_j·b_tj + sum_j [u_j > 0]·c_tj + interactions_t
//
// Load and presence are the floor. Metis' own data show why presence has terms of its own: redis next to MMS multiplies it by 2.47
// however much redis there is (SC'20 artifact, pairs of one container each). Interactions (package interactions) are products of two
// loads, presence times load, load shared by the containers of the target, and a provider's effect as a smooth function of the load of
// all. Beyond what was measured products grow no faster than the load and the smooth functions vanish.
//
// Up to 8 classes each has a dimension of its own, beyond 8 dimensions of pressure and of presence are learned, of which the first 3
// interact. The fit is Bayesian linear regression by distinct mix (package laws): each kind of term has a variance common to all classes
// that maximises the evidence, so that kinds which explain nothing shrink to nothing. All effects of load and presence are believed
// to lie around the class's average effect: what was never measured beside a class acts like the average neighbour and is unsure.
//
// A mix that was measured is looked up, and the measurement is blended with the law by their precisions, the measurement with at least
// three quarters of the weight (see leastTrust).
//
// # Evidence
//
// On Metis' campaigns 0902 and 0905 and the pairs (1,343 mixes of 7 classes; `ballast interference fit` prints the figures of any data),
// mean absolute percentage error and mean R² per class on mixes left out of the fit, weighted to those that nobody measured:
//
//	form, fitted to the newest campaign         same campaign      other campaign     pooled R², 4 -> 5..8 containers
//	load and presence                           0.0369  0.887      0.0446  0.847      0.911
//	quadratic and presence, ridge               0.0274  0.925      0.0355  0.886
//	and redis times count                       0.0256  0.932      0.0338  0.895
//	load, presence, products, crosses, shrunk   0.0243  0.933      0.0334  0.893      0.913
//	this form                                   0.0236  0.934      0.0326  0.895      0.929
//	and fitted to the mean over campaigns       0.0238  0.934                         0.933
//	and cubes and a Gaussian process            0.0229  0.936      0.0319  0.897      0.923
//
// The last costs a hundred terms more and helps redis only; it is left out. Box-Cox powers of the performance other than the logarithm
// lose (−0.5: 0.0251, 0.5: 0.0244), as do cubes of the load out of range (R² 0.81). Standard errors are 0.0004 and 0.004 in the same
// campaign, 0.0011 and 0.011 in the other.
//
// The columns differ by what no fit can know. In 0905 every mix with ISR was measured again and no other, ISR having changed; where
// values differ the newer campaign stands in the look-up, and the older measurements are what a fit without them is judged by: they
// are from another day, as everything is that a model will be asked for. Then they join: the law is fitted to the mean over campaigns,
// because the next will be as far from the newest as the older ones are. What is left in the same campaign is noise but for
// redis: residuals of the same mix in two campaigns correlate by 0.65 there, by 0 to 0.3 elsewhere. Expect the figures of the right
// column of a new campaign.
//
// # Uncertainty
//
// Every prediction has a 90 % interval for a new measurement of the mix. Its width comes from the posterior covariance of the
// floor and the residual, scaled so that it held 90 % of the errors on mixes left out (of another campaign, if there was one; weighted
// conformal quantile), and grows for every unit of load beyond what was measured. The mean is bounded to the class's range, the interval
// is not. Quality reports error, R² and coverage.
//
// Fitted to Metis' mixes of at most 2, 3, 4, 5 containers, the interval holds 100, 98, 96, 95 % of the cells of all larger ones.
// The least growth per unit (leastDrift) was set on these same splits, so that they show what it does, not that it holds elsewhere.
//
// Beyond 8 classes the dimensions are learned too, and their uncertainty is not in the covariance: a pair of classes that never met
// in a measurement gets the spread of the effects that were seen instead.
//
// # Node value
//
//	V(mix) = sum over classes of units × weight × predicted performance
//
// is the single interface between this package and placement: the score of a node for a pod is V(mix + pod) − V(mix). An optimiser picks
// what is overestimated, but there is no cautious value, because it did not pay: in a parametric bootstrap (truths drawn around the
// law fitted to Metis' mixes, refitted, placed by the configuration LP in five scenarios) a tenth to one standard deviation off the
// value of unmeasured mixes changed the mean performance by −0.5 to +0.1 %. With the present law (6 truths, 27 nodes
// of 200 and 81 of 400 containers) it is −0.02 to +0.07 %, standard error up to 0.15 %. Trust in measured mixes is what mattered.
//
// # Settings
//
// Another machine shape or another partitioning of the node (column setting of a mixes file) is the same law in which every neighbour
// weighs as much as so many of the fitted setting, a number for each class around one that is common to the setting. In returns the
// model of such a setting. It is tested on synthetic data only: there are no measurements of two shapes to judge it by.
//
// # Classes that no fit has seen, and what changes
//
// A class of which a handful of mixes were measured joins a fitted model as a normal Class (package adapt/complete), with intervals wide at first. Left
// out of Metis in turn, classes are predicted with an error of (itself, those beside it; 90 % interval)
//
//	as Unknown load    0.32         0.089 (0.84)
//	no probe           0.29 (0.93)  0.083 (0.90)
//	2 probes           0.11 (0.92)  0.060 (0.87)
//	4 probes           0.08 (0.98)  0.046 (0.92)
//	full data          0.02 (0.95)  0.024 (0.94)
//
// Later measurements update the laws, older ones fade, and a class that changes is found and learned anew (package adapt/online). Class.Provenance tells such
// classes from those of a fit.
//
// # Limits
//
// Classes are as measured: another version of the application is another class, or one that drifts. Interaction of three classes and more is represented only as far as logarithms and products of two add up, and by look-up. Load that no class is
// known for presses with the mean of the known classes, never helps, and does not interact.
package interference
