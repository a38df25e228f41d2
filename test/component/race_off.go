//go:build !race

package component

// raceEnabled says that the tests run under the race detector.
const raceEnabled = false
