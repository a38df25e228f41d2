package modelsource

import (
	"context"
	"sync/atomic"

	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

// unread is the mode before the first answer about the switch, or with a first answer that is no mode: nothing is decided, because it may be
// off, but nobody ordered that.
const unread v1alpha1.Mode = ""

// complaint is what the log says while the API server cannot be asked.
const complaint = "Cannot watch an object"

// position follows the switch. A value that is no mode keeps the mode.
type position struct {
	follower *follow.Follower
	current  atomic.Value // v1alpha1.Mode
	seen     Seen
}

func newPosition(client kubernetes.Interface, seen Seen) *position {
	p := &position{seen: seen}
	p.current.Store(unread)
	p.follower = follow.Switch(client, complaint, p.take)
	return p
}

func (p *position) mode() v1alpha1.Mode {
	mode, _ := p.current.Load().(v1alpha1.Mode)
	return mode
}

func (p *position) take(ctx context.Context, mode v1alpha1.Mode, err error) {
	if err != nil {
		p.seen.Ignored()
		klog.FromContext(ctx).Error(err, "Ignored the switch; keeping the mode", "configMap",
			klog.KRef(v1alpha1.SwitchNamespace, v1alpha1.SwitchName), "mode", p.mode())
	} else {
		p.current.Store(mode)
	}
	p.seen.Changed(ctx)
}
