package writer

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
)

// The API server puts the node of the pod that a token is bound to into the token, and says both to its bearer (package serviceaccount of
// k8s.io/apiserver: NodeNameKey and NodeUIDKey; feature ServiceAccountTokenPodNodeInfo, on since Kubernetes 1.30, GA in 1.32).
const (
	nodeNameKey = "authentication.kubernetes.io/node-name"
	nodeUIDKey  = "authentication.kubernetes.io/node-uid"
)

// remake is the least time between two objects that are made with an owner. The garbage collector deletes at once what belongs to a Node that
// is gone. An agent may outlive its Node: by a minute, until its pod is deleted; or, where the machine came back as a new Node, until the
// kubelet has given it a new token.
const remake = time.Minute

// owners are what the object is to be deleted with: its Node, as with CSINode objects, so that a cluster whose nodes come and go keeps no
// object of one that went. The agent may not read nodes, but its token says which one it is for. None where it does not, as with a
// certificate, or where the API server does not tell.
func (w *Writer) owners(ctx context.Context) ([]metav1.OwnerReference, error) {
	logger := klog.FromContext(ctx).V(2)
	answer, err := w.options.Reviews.Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	switch {
	case apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err):
		logger.Info("The object gets no owner: the API server does not tell whose token this is", "reason", err)
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("asking for the Node that the token is for, as the owner of NodeIsolation %s: %w", w.options.Node, err)
	}
	extra := answer.Status.UserInfo.Extra
	if name, uid := only(extra[nodeNameKey]), only(extra[nodeUIDKey]); name == w.options.Node && uid != "" {
		return []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: name, UID: types.UID(uid)}}, nil
	}
	logger.Info("The object gets no owner: the agent's identity is not bound to its node", "node", w.options.Node, "user", answer.Status.UserInfo.Username)
	return nil, nil
}

// only is the one value, "" where there is another number of them.
func only(values []string) string {
	if len(values) != 1 {
		return ""
	}
	return values[0]
}
