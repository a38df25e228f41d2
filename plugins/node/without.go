package node

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// without is the round on a machine that shows no tree.
func (i *isolator) without(w wish, err error) isolation {
	out := isolation{applied: metav1.ConditionFalse, reason: v1alpha1.ReasonNoResctrl, none: resctrl.Support(i.machine)}
	switch {
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, resctrl.ErrNotResctrl):
		out.none = fmt.Sprintf("%s cannot be read: %v. %s", i.root, err, out.none)
	case strings.HasPrefix(out.none, "resctrl is mounted"):
		out.none = fmt.Sprintf("%s is no resctrl tree, although %s Name it with --resctrl-root.", i.root, out.none)
	case strings.Contains(out.none, "not mounted"): // as far as a pod sees
		out.none += " Once it is, label the node ballast.dev/resctrl=true, so that the agent is shown it."
	}
	return i.nothing(w, out)
}

// unreadable is the round on a machine that has a tree of which something of ours cannot be read: what processor and kernel can do does not
// explain that.
func (i *isolator) unreadable(w wish, err error) isolation {
	return i.nothing(w, isolation{
		applied: metav1.ConditionFalse, reason: v1alpha1.ReasonUnreadable, unreadable: true,
		none: fmt.Sprintf("%s is a resctrl tree that cannot be read: %v.", cmp.Or(i.root, "The tree"), err),
	})
}

// nothing completes a round that neither divides nor counts.
func (i *isolator) nothing(w wish, out isolation) isolation {
	out.message = out.none
	i.before, i.rates = nil, nil
	if w.spec != nil && len(w.spec.Partitions) > 0 {
		out.message = fmt.Sprintf("%d partitions are wanted. %s", len(w.spec.Partitions), out.none)
	}
	return out
}

// ProcOf shows a folder that is /proc, or stands for it, as the proc folder of a machine, for [resctrl.Support].
func ProcOf(folder string) fs.FS { return procOf{os.DirFS(folder)} }

type procOf struct{ fs.FS }

// Open implements fs.FS.
func (p procOf) Open(name string) (fs.File, error) {
	below, ok := strings.CutPrefix(name, "proc/")
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return p.FS.Open(below)
}
