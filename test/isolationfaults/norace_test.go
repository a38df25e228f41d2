//go:build !race

package isolationfaults_test

const raced = false
