// Package stockvpa runs the stock recommender and the updater's rule of the Vertical Pod Autoscaler through their own packages, on a
// logical clock and without an API server.
package stockvpa
