package isolator

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// Found is what a round found of resctrl, and did.
type Found struct {
	// None says in a sentence why there is no tree; empty: there is one.
	None string
	// Unreadable says that there is one, of which something cannot be read.
	Unreadable bool

	// Inventory is the tree after the round.
	Inventory resctrl.Inventory
	// Counters and Rates are what groups use, as far as the machine counts.
	Counters []resctrl.Counters
	Rates    []resctrl.Rate
	// Unread is why there are no counters although the machine counts.
	Unread error
	// Plan is what would be done but is not, one operation a line; empty: nothing.
	Plan string
	// Notes say in sentences what an operator should know of the plan, and what was not read.
	Notes []string
	// Applied, Reason and Message are the condition Applied.
	Applied         metav1.ConditionStatus
	Reason, Message string
	// Rewritten says that a group had values that neither the agent nor the kernel had put there.
	Rewritten bool
}

// Refusal is why the groups are not as the last round wanted them; empty: they are, or nothing was wanted.
func (f *Found) Refusal() string {
	reasons := []string{v1alpha1.ReasonRefused, v1alpha1.ReasonInvalidSpec, v1alpha1.ReasonAnotherManager}
	if f.None == "" && f.Applied == metav1.ConditionFalse && slices.Contains(reasons, f.Reason) {
		return f.Message
	}
	return ""
}
