package isolator

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
func (i *Isolator) without(w Wish, err error) Found {
	out := Found{Applied: metav1.ConditionFalse, Reason: v1alpha1.ReasonNoResctrl, None: resctrl.Support(i.Machine)}
	switch {
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, resctrl.ErrNotResctrl):
		out.None = fmt.Sprintf("%s cannot be read: %v. %s", i.Root, err, out.None)
	case strings.HasPrefix(out.None, "resctrl is mounted"):
		out.None = fmt.Sprintf("%s is no resctrl tree, although %s Name it with --resctrl-root.", i.Root, out.None)
	case strings.Contains(out.None, "not mounted"): // as far as a pod sees
		out.None += " Once it is, label the node ballast.dev/resctrl=true, so that the agent is shown it."
	}
	return i.nothing(w, out)
}

// unreadable is the round on a machine that has a tree of which something of ours cannot be read: what processor and kernel can do does not
// explain that.
func (i *Isolator) unreadable(w Wish, err error) Found {
	return i.nothing(w, Found{
		Applied: metav1.ConditionFalse, Reason: v1alpha1.ReasonUnreadable, Unreadable: true,
		None: fmt.Sprintf("%s is a resctrl tree that cannot be read: %v.", cmp.Or(i.Root, "The tree"), err),
	})
}

// nothing completes a round that neither divides nor counts.
func (i *Isolator) nothing(w Wish, out Found) Found {
	out.Message = out.None
	i.before, i.rates = nil, nil
	if w.Spec != nil && len(w.Spec.Partitions) > 0 {
		out.Message = fmt.Sprintf("%d partitions are wanted. %s", len(w.Spec.Partitions), out.None)
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
