// Package handmodel makes interference models whose predictions can be worked out by hand, for suites of tests: those of package byhand, which is for the
// tests of the plugins themselves.
package handmodel

import (
	"fmt"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Class describes a class by the factors of its neighbours. Unmeasured gives it a prior only, on which nothing is rejected.
type Class = byhand.Class

// Trio are three classes for most purposes.
func Trio() []Class { return byhand.Trio() }

// New returns the model of at most eight classes. Its intervals have no width.
func New(classes ...Class) (*interference.Model, error) {
	m, err := interference.New(byhand.Document(classes...))
	if err != nil {
		return nil, fmt.Errorf("making a model by hand: %w", err)
	}
	return m, nil
}
