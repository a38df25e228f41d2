// Package localcluster runs a real Kubernetes control plane as child processes of the caller: etcd, kube-apiserver and
// kube-controller-manager, and KWOK, which plays the nodes. Everything listens on loopback (etcd on a Unix socket that only the
// owner can reach), has its own certificates, and lives in one temporary folder. Neither root nor a container runtime is needed.
// The nodes are simulated: pods become Running because KWOK says so, nothing executes. Package realnodes adds others, for root.
//
// Start returns when the API server answers, the default ServiceAccount exists and KWOK is up: three to five seconds on two cores.
// No scheduler is started; the caller runs the one under test:
//
//	cluster, err := localcluster.Start(ctx, localcluster.Config{})
//	if err != nil {
//		return err
//	}
//	defer cluster.Stop()
//	if err := cluster.ApplyFiles(ctx, "manifests/base", "manifests/crd/ballast.dev_interferencemodels.yaml", "manifests/scheduler"); err != nil {
//		return err
//	}
//	kubeconfig, err := cluster.ServiceAccountKubeconfig(ctx, "ballast-system", "ballast-scheduler")
//	...
//	child, err := cluster.Run(ctx, localcluster.Process{Name: "ballast-scheduler", Path: path, Args: []string{"--kubeconfig", kubeconfig}})
//
// # Identities
//
// Authorization is Node and RBAC, as in production. AdminConfig is cluster-admin and is for set-up and observation only. A component
// runs under UserKubeconfig (a client certificate, for identities that Kubernetes itself defines, such as system:kube-scheduler)
// or under ServiceAccountKubeconfig (a token, for the ServiceAccount of our manifests), so that a missing permission fails here
// before it fails on a user's cluster. KWOK has a role of its own; see kwokRBAC.
//
// # Life time
//
// The cluster lives until Stop is called or the context given to Start ends, whichever comes first. Nothing outlives it:
//
//   - Stop, an error during Start, and the end of the context: SIGTERM to every process group, SIGKILL after 1.5 s (kube-apiserver
//     waits for its watchers for over ten seconds otherwise), then the folder is removed.
//   - A terminal's Ctrl-C reaches only the caller: each child has its own process group.
//   - The caller's death by any means, SIGKILL included: the kernel kills the children (parent-death signal), and a small shell
//     process in a session of its own, which waits for the end of a pipe that only we hold open, kills what is left and removes
//     the folder.
//
// If etcd, kube-apiserver, kube-controller-manager or KWOK dies by itself, Done is closed and Err says which, with the end of its log.
//
// # Errors
//
// ErrToolMissing, ErrPortInUse and ErrNoSpace classify the failures a user can do something about; each message says what. Every wait
// is bounded, and an error of a component carries its name, what was waited for and the last lines of its log.
package localcluster
