// Package dermnet predicts the shares of call-graph classes as the recurrent network of Derm (Chen et al., ISCA'24) does: two layers of LSTM,
// attention of the last output over all, a linear layer and a softmax, trained by Adam on the mean squared error of the shares. It is written
// from the description of the artifact; nine input features are not named there and one is left to the caller.
//
// The artifact splits overlapping windows at random into training and test, so that nearly every test window is among the training ones but
// for one step. Whoever compares should split by series: trained for its 30 epochs on 40 of the 50 published series, with windows of 10 steps and
// the four shares as features, it errs on the other ten by 1.77e-4 (mean square, one step ahead), "the same as the last" by 1.60e-4 and
// Ballast's forecast by 1.60e-4 (TestShares -epochs 30).
package dermnet
