package patterns

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate"
)

// atLoad is a law at a load.
type atLoad struct {
	law  latency.Law // without its fixed part
	load float64
}

func (a atLoad) Mean(cores float64) float64  { return a.law.Mean(a.load, cores) }
func (a atLoad) Slope(cores float64) float64 { return a.law.Slope(a.load, cores) }

// idle is the curve of a service without load.
type idle struct{}

func (idle) Mean(float64) float64  { return 0 }
func (idle) Slope(float64) float64 { return 0 }

// FromLaw is a service with the law of package predictor/latency at its load, with the bounds that package allocate has for it: at least
// what the load needs, at most where waiting is 1 % of the work. Its Visits only say whether it is on the way of a request at all: the
// calls stand in the patterns. shape is that of the variable time of a call, 1 for exponential. Doubt is the standard error of the law:
// its spread over windows by the root of their effective number, or the whole of it where the law is but a prior. What one window differs
// from the next by is not in it; that is in Objective.TailSpread, for all services together.
func FromLaw(s allocate.Service, shape float64) (Service, error) {
	if err := s.Validate(); err != nil {
		return Service{}, fmt.Errorf("service %q: %w", s.Name, err)
	}
	low, high := s.Bounds()
	out := Service{Name: s.Name, Pods: s.Pods, Shape: shape, Min: low, Max: high, Curve: idle{}}
	out.Doubt = s.Law.Spread / math.Sqrt(max(1, s.Law.Windows))
	if s.Load > 0 {
		out.Shift = s.Law.Fixed
		law := s.Law
		law.Fixed = 0
		out.Curve = atLoad{law, s.Load}
	}
	return out, nil
}
