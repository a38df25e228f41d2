package schedplugin

import (
	"fmt"

	fwk "k8s.io/kube-scheduler/framework"
)

// ReadState returns what the plugin keeps of a scheduling cycle under the key, an error where it is not there or of another type. It
// allocates nothing where it is.
func ReadState[S fwk.StateData](state fwk.CycleState, key fwk.StateKey) (S, error) {
	var none S
	data, err := state.Read(key)
	if err != nil {
		return none, fmt.Errorf("reading %q from cycleState: %w", key, err)
	}
	s, ok := data.(S)
	if !ok {
		return none, fmt.Errorf("reading %q from cycleState: got a %T", key, data)
	}
	return s, nil
}
