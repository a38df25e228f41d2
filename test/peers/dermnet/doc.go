// Package dermnet predicts the shares of call-graph classes as the recurrent network of Derm (Chen et al., ISCA'24) does: two layers of LSTM,
// attention of the last output over all, a linear layer and a softmax, trained by Adam on the mean squared error of the shares. It is written
// from the description of the artifact; nine input features are not named there and one is left to the caller.
//
// The artifact splits overlapping windows at random into training and test, so that nearly every test window is among the training ones but
// for one step. Whoever compares should split by series.
package dermnet
