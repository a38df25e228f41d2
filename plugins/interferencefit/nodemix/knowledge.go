package nodemix

import (
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Knowledge is one model with what the plugin derives from it. It is immutable; its address identifies the model in caches.
type Knowledge struct {
	model *interference.Model
	// settings are the model in each setting that it has; model is in its own.
	settings *nodesetting.Models
	// names are the classes by index; measured those that were measured in at least one mix.
	names    []string
	measured []bool
	// byController finds classes named <namespace>/<controller> without joining the two.
	byController map[string]map[string]int
	// presses[j] and helps[j] say whether the first or the second unit of class j lowers, or raises, the performance of any
	// measured class that is otherwise alone: what queueing hints ask.
	presses, helps []bool
	// slowed[t] and sped[t] say whether more of some neighbour lowers, or raises, the performance of a measured class t.
	slowed, sped []bool
}

// noticeable is the least change of performance that queueing hints act on; below it is rounding.
const noticeable = 1e-6

// Learn derives what there is to derive from a model.
func Learn(m *interference.Model) *Knowledge {
	names := m.Classes()
	n := len(names)
	k := &Knowledge{
		model: m, settings: nodesetting.Of(m), names: names, measured: make([]bool, n),
		byController: make(map[string]map[string]int),
		presses:      make([]bool, n), helps: make([]bool, n), slowed: make([]bool, n), sped: make([]bool, n),
	}
	for i, name := range names {
		k.measured[i] = m.Measured(i)
		// A label value holds no slash, so a name with one is a controller's.
		namespace, controller, ok := strings.Cut(name, "/")
		if !ok {
			continue
		}
		if k.byController[namespace] == nil {
			k.byController[namespace] = make(map[string]int)
		}
		k.byController[namespace][controller] = i
	}
	k.deriveEffects()
	return k
}

func (k *Knowledge) deriveEffects() {
	for t := range k.names {
		if !k.measured[t] {
			continue // filters never reject on it
		}
		for j := range k.names {
			mix := interference.Mix{{Class: t, Units: 1}}
			before := k.model.Performance(mix, t)
			for unit := range 2 { // presence comes with the first unit; the second shows what load alone does
				mix = mix.Add(nil, j, 1)
				after := k.model.Performance(mix, t)
				k.presses[j] = k.presses[j] || after < before-noticeable
				k.helps[j] = k.helps[j] || after > before+noticeable
				k.slowed[t] = k.slowed[t] || unit > 0 && after < before-noticeable
				k.sped[t] = k.sped[t] || unit > 0 && after > before+noticeable
				before = after
			}
		}
	}
}

// Class returns the class index of the pod, interference.Unknown if the model has none for it.
func (k *Knowledge) Class(pod *v1.Pod) int {
	if label := podclass.Label(pod); label != "" {
		if i, ok := k.model.ClassIndex(label); ok {
			return i
		}
		return interference.Unknown
	}
	if controllers := k.byController[pod.Namespace]; controllers != nil {
		if i, ok := controllers[podclass.Workload(pod)]; ok {
			return i
		}
	}
	return interference.Unknown
}

// Improves reports whether filters may take a node in another setting that they rejected.
func (k *Knowledge) Improves(from, to nodesetting.Setting) bool {
	return nodesetting.Improves(from.Likely, to.Likely, k.slowed, k.sped)
}

// Trusted reports whether the class exists and was measured, so that a filter may reject on it.
func (k *Knowledge) Trusted(class int) bool { return class >= 0 && k.measured[class] }

// Settings are the model in each setting that it has.
func (k *Knowledge) Settings() *nodesetting.Models { return k.settings }

// Names are the classes by index; they are not to be changed.
func (k *Knowledge) Names() []string { return k.names }

// Presses reports whether a unit of the class lowers the performance of any measured class, Helps whether it raises one's.
func (k *Knowledge) Presses(class int) bool { return k.presses[class] }

// Helps is the contrary of Presses; a class may do both.
func (k *Knowledge) Helps(class int) bool { return k.helps[class] }
