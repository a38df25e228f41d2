// Package endtoend judges the prediction of end-to-end latency on published measurements. There is only the test.
package endtoend
