package localcluster

import (
	"context"
	"fmt"
)

// kwokUser is the identity KWOK runs under.
const kwokUser = "ballast:kwok"

// nodeAnnotation marks the nodes that KWOK plays; others are left alone.
const nodeAnnotation = "kwok.x-k8s.io/node"

// kwokRBAC lets KWOK do what a kubelet does, for any node, and nothing else: it reads no secret and creates no pod.
const kwokRBAC = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "ballast:kwok"}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [nodes/status, pods/status], verbs: [patch, update]}
- {apiGroups: [""], resources: [pods], verbs: [get, list, watch, delete, patch, update]}
- {apiGroups: [""], resources: [events], verbs: [create, patch, update]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, list, watch, create, patch, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "ballast:kwok"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "ballast:kwok"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: "ballast:kwok"}]
`

// startKWOK starts KWOK and returns the address that answers when it is ready.
func (c *Cluster) startKWOK(ctx context.Context) (child *Child, healthz string, err error) {
	if err := c.Apply(ctx, "the role of KWOK", []byte(kwokRBAC)); err != nil {
		return nil, "", err
	}
	kubeconfig, err := c.UserKubeconfig(kwokUser)
	if err != nil {
		return nil, "", err
	}
	port, err := c.FreePort()
	if err != nil {
		return nil, "", err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	child, err = c.startEssential(
		"kwok",
		"--kubeconfig="+kubeconfig, "--config="+c.stages,
		"--manage-nodes-with-annotation-selector="+nodeAnnotation+"=fake",
		"--node-ip=127.0.0.1", "--cidr="+podRange, "--node-lease-duration-seconds=40",
		"--server-address="+address,
	)
	return child, "http://" + address + "/healthz", err
}
