//go:build race

package isolationfaults_test

// raced: the race detector makes everything about ten times as slow, and in memory nothing here has goroutines.
const raced = true
