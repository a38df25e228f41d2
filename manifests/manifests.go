// Package manifests holds what is applied to a cluster to run Ballast (types, permissions, profiles, deployments), and carries it
// inside the binaries that apply it themselves: the demonstration and the tests.
package manifests

import "embed"

// FS is this folder. Paths are relative to it, for example "scheduler/rbac.yaml".
//
//go:embed base/*.yaml crd/*.yaml examples/*.yaml node/*.yaml recommender/*.yaml scheduler/*.yaml
var FS embed.FS
