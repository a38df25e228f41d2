package interferencefit

import (
	"testing"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
)

// Indices of byhand.Trio.
const quiet, loud = byhand.Quiet, byhand.Loud

func learn(t testing.TB, classes ...byhand.Class) *nodemix.Knowledge {
	t.Helper()
	return nodemix.Learn(byhand.Model(t, classes...))
}

// fakeState is a CycleState with one entry.
type fakeState struct {
	fwk.CycleState
	data fwk.StateData
}

func (f *fakeState) Read(fwk.StateKey) (fwk.StateData, error) {
	if f.data == nil {
		return nil, fwk.ErrNotFound
	}
	return f.data, nil
}
func (f *fakeState) Write(_ fwk.StateKey, data fwk.StateData) { f.data = data }
func (f *fakeState) IsPodGroupSchedulingCycle() bool          { return false }
