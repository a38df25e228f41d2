// Package schedplugin has what Ballast's kube-scheduler plugins have in common in a profile: their arguments ([ArgsOf]), a client for our own
// objects ([Client]), goroutines that end with the profile ([Running]), events on pods within a budget ([Events]), metrics ([Subsystem]), the
// state of a cycle ([ReadState]), and how a measure of nodes becomes a score ([Scale]). What a plugin decides by is in its own package, and for
// the interference model in package modelsource.
//
// It knows none of the plugins.
package schedplugin
