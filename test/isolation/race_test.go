//go:build race

package isolation

// raced: everything takes about ten times as long under the race detector, and nothing here has goroutines. The run without carries the claims.
const raced = true
