//go:build !race

package isolation

const raced = false
