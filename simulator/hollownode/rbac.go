package hollownode

import (
	"fmt"
	"strings"
)

// RBAC returns the manifests that let a user do what a kubelet does with the pods of the namespaces, and nothing else: it reads pods,
// writes their status, deletes those that have ended, and writes its nodes' status. It creates no pod, reads no secret, resizes nothing.
// The namespaces must exist. Each call for other namespaces needs another user: the names of the roles come from it.
func RBAC(user string, namespaces ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: %[1]q}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [get]}
- {apiGroups: [""], resources: [nodes/status], verbs: [patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %[1]q}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[1]q}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]q}]
`, user)
	for _, namespace := range namespaces {
		b.WriteString(role(user, namespace, `- {apiGroups: [""], resources: [pods], verbs: [get, list, watch, delete]}
- {apiGroups: [""], resources: [pods/status], verbs: [patch]}`))
	}
	return []byte(b.String())
}

// BatchRBAC returns the manifests for the user of Filling.Client: it resizes pods of the namespaces, and nothing else.
func BatchRBAC(user string, namespaces ...string) []byte {
	var b strings.Builder
	for _, namespace := range namespaces {
		b.WriteString(role(user, namespace, `- {apiGroups: [""], resources: [pods/resize], verbs: [patch]}`))
	}
	return []byte(b.String())
}

// role is a role in a namespace and its binding to a user.
func role(user, namespace, rules string) string {
	return fmt.Sprintf(`---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %[1]q, namespace: %[2]q}
rules:
%[3]s
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[1]q, namespace: %[2]q}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]q}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]q}]
`, user, namespace, rules)
}
