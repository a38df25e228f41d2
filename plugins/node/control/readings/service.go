package readings

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
)

// Bounds of what is remembered.
const (
	maxServices = 256
	maxReadings = 32
	// Slack is cut to this range: a service at a hundred times its set-point is treated like one at eleven times.
	leastSlack, mostSlack = -10.0, 1.0
)

// Reading is the slack of a service at a time.
type Reading struct {
	At    time.Duration `json:"at"`
	Slack float64       `json:"slack"`
}

// Service is what the law remembers of a service.
type Service struct {
	Name string `json:"name"`
	// Readings are the last ones, oldest first.
	Readings []Reading `json:"readings,omitempty"`
	// Slopes say by how much target / signal falls for each unit that a knob of batch grows, Rates by how much the logarithm of
	// signal / target rises; 0: not known.
	Slopes [knob.Count]float64 `json:"slopes"`
	Rates  [knob.Count]float64 `json:"rates"`

	// Load is the last one seen; below 0: not known. Cause is attribution's last verdict. Neither is saved.
	Load  float64 `json:"-"`
	Cause string  `json:"-"`

	seen bool // in the present observation
}

// Seen is what an observation shows of a service. Slack and Load are nil where they are not known.
type Seen struct {
	Name, Cause string
	Slack, Load *float64
}

// Services are what is remembered of all, in the order of their names.
type Services []Service

// Take takes the readings of an observation, those before held only as far as they are below the line, and says whether there were any.
// It forgets services that are gone, takes no more than 256, and keeps them in the order of their names, so that the order in which the
// caller lists them does not matter.
func (s *Services) Take(seen []Seen, now, held time.Duration) (read bool) {
	for i := range *s {
		(*s)[i].seen = false
	}
	for _, o := range seen {
		i, ok := slices.BinarySearchFunc(*s, o.Name, func(t Service, name string) int { return strings.Compare(t.Name, name) })
		if !ok {
			if len(*s) >= maxServices {
				continue
			}
			*s = slices.Insert(*s, i, Service{Name: o.Name})
		}
		t := &(*s)[i]
		t.seen, t.Cause, t.Load = true, o.Cause, -1
		if v, ok := Finite(o.Load); ok && v >= 0 {
			t.Load = v
		}
		v, ok := Finite(o.Slack)
		read = read || ok
		if ok && (now >= held || v < Line) {
			t.add(Reading{now, min(max(v, leastSlack), mostSlack)})
		}
	}
	*s = slices.DeleteFunc(*s, func(t Service) bool { return !t.seen })
	return read
}

// Restore makes services that were saved fit to go on with: without readings, and with what is known of the knobs where it makes sense.
func (s *Services) Restore() {
	if len(*s) > maxServices {
		*s = (*s)[:maxServices]
	}
	slices.SortFunc(*s, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	for i := range *s {
		t := &(*s)[i]
		t.Readings = nil
		for _, known := range []*[knob.Count]float64{&t.Slopes, &t.Rates} {
			for k, v := range known {
				if !(v > 0 && v < math.MaxFloat64) {
					known[k] = 0
				}
			}
		}
	}
}

// Clone is a copy that shares nothing.
func (s Services) Clone() Services {
	s = slices.Clone(s)
	for i := range s {
		s[i].Readings = slices.Clone(s[i].Readings)
	}
	return s
}

// Shift fits the readings' times to a clock that began anew.
func (s Services) Shift(by time.Duration) {
	for i := range s {
		for j := range s[i].Readings {
			s[i].Readings[j].At += by
		}
	}
}

func (t *Service) add(r Reading) {
	if len(t.Readings) >= maxReadings {
		t.Readings = slices.Delete(t.Readings, 0, len(t.Readings)-maxReadings+1)
	}
	t.Readings = append(t.Readings, r)
}

// Since gives a service's slacks from a moment on, oldest first; none where the last one is so old that the service is idle.
func (t *Service) Since(judge, now time.Duration) []float64 {
	var s []float64
	for _, r := range t.Readings {
		if r.At >= judge && !t.Idle(now) {
			s = append(s, r.Slack)
		}
	}
	return s
}

// Means are those of the last readings from a moment on, at most as many as this, of all services that have any, by name.
func (s Services) Means(judge, now time.Duration, last int) map[string]float64 {
	means := map[string]float64{}
	for i := range s {
		if r := s[i].Since(judge, now); len(r) > 0 {
			means[s[i].Name] = Mean(r[max(0, len(r)-last):])
		}
	}
	return means
}

// Idle says whether a service had no reading for so long that it does not count.
func (t *Service) Idle(now time.Duration) bool {
	return len(t.Readings) == 0 || now-t.Readings[len(t.Readings)-1].At > Silence
}
