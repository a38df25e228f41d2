// Package e2e tests the built binaries as a user runs them. It needs bin/ (`make build`) and .tools/bin (`make tools`).
package e2e
