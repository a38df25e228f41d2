package interferencefit

import (
	"fmt"
	"math"
	"strings"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// decision is why a pod is where it is.
type decision struct {
	mode v1alpha1.Mode
	node string
	// namespace is the pod's.
	namespace string
	// mix is the node's without the pod; names its classes.
	mix   interference.Mix
	names []string
	// predicted is the pod's performance there; neighboursLose what it costs the others together, negative where it helps them.
	predicted      interference.Prediction
	neighboursLose float64
	// scored reports a comparison: gain is the node's, best and next the two with the largest.
	scored     bool
	gain       int64
	best, next fwk.NodeScore
	// breaks reports that the node breaks a promise, which only shadow lets happen.
	breaks bool
	// setting is the node's by name, and why it is in doubt.
	setting string
	doubt   nodesetting.Doubt
	version string
	stale   bool
}

// agrees reports whether the chosen node is one that the prediction alone would have ranked first. It may be false in mode
// active too: the other plugins have their say.
func (d decision) agrees() bool { return !d.breaks && d.gain >= d.best.Score }

// An event holds 1,024 characters, else the API server refuses it: maxNeighbours and maxNeighbourText bound the classes that one
// names. The names of two nodes (253 each) and the rest take up to 800.
const (
	maxNeighbours    = 6
	maxNeighbourText = 200
)

// sentence is the event that an operator reads.
func (d decision) sentence() string {
	var b strings.Builder
	if d.mode == v1alpha1.Shadow {
		b.WriteString("shadow, nothing was changed: ")
	}
	fmt.Fprintf(&b, "%s: predicted %.2f (%.2f to %.2f) of its speed alone", d.node, d.predicted.Mean, d.predicted.Lo, d.predicted.Hi)
	b.WriteString(d.neighbours())
	b.WriteString(d.comparison())
	b.WriteString(d.where())
	fmt.Fprintf(&b, "; model %s", d.version)
	if d.stale {
		b.WriteString(" (stale, used by staleModelPolicy FallBack)")
	}
	return b.String()
}

// maxSettingText bounds what an event says of a setting.
const maxSettingText = 40

// where says in which setting the node is, and by what it was valued where that is in doubt.
func (d decision) where() string {
	name := d.setting
	if len(name) > maxSettingText {
		name = name[:maxSettingText] + "..."
	}
	switch d.doubt {
	case nodesetting.UnknownSetting:
		return fmt.Sprintf("; setting %q is not in the model, so the least of its settings was taken", name)
	case nodesetting.StaleReport:
		return fmt.Sprintf("; setting %q by an old report, so the least of what it may be was taken", name)
	case nodesetting.UnreadReports:
		return "; settings of nodes are not read yet, so the least of the model's was taken"
	}
	if name == "" {
		return ""
	}
	return "; setting " + name
}

// neighbours says beside whom the pod runs and what they pay.
func (d decision) neighbours() string {
	if len(d.mix) == 0 {
		return ", with the node to itself"
	}
	var b strings.Builder
	b.WriteString(" beside ")
	for i, l := range d.mix {
		name := "of unknown class"
		if l.Class != interference.Unknown {
			name = shown(d.names[l.Class], d.namespace)
		}
		if i == maxNeighbours || b.Len()+len(name) > maxNeighbourText {
			fmt.Fprintf(&b, " and %d more classes", len(d.mix)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%g %s", l.Units, name)
	}
	switch cents := math.Round(d.neighboursLose * 100); {
	case cents > 0:
		fmt.Fprintf(&b, "; neighbours lose %.2f", d.neighboursLose)
	case cents < 0:
		fmt.Fprintf(&b, "; neighbours gain %.2f", -d.neighboursLose)
	default:
		b.WriteString("; neighbours lose nothing")
	}
	return b.String()
}

// shown is a class's name for who may read the events of a namespace: that of a workload of another namespace is not theirs to know.
func shown(class, namespace string) string {
	if of, _, is := strings.Cut(class, "/"); is && of != namespace {
		return "of another namespace"
	}
	return class
}

// comparison says what the alternative was.
func (d decision) comparison() string {
	lead := func(from, to int64) float64 { return float64(from-to) / scale.Units }
	switch {
	case !d.scored:
		return "; no other node was compared"
	case d.breaks:
		return "; it breaks a " + v1alpha1.MinPerformanceAnnotation
	case !d.agrees() && d.mode == v1alpha1.Shadow:
		return fmt.Sprintf("; Ballast would have chosen %s, better by %.2f", d.best.Name, lead(d.best.Score, d.gain))
	case !d.agrees():
		return fmt.Sprintf("; %s is better by %.2f, but other scores decided", d.best.Name, lead(d.best.Score, d.gain))
	}
	other := d.next
	if d.node != d.best.Name {
		other = d.best // equally good, by another name
	}
	switch {
	case other.Name == "":
		return ""
	case d.gain == other.Score:
		return fmt.Sprintf("; %s is as good", other.Name)
	}
	return fmt.Sprintf("; next best %s by %.2f", other.Name, lead(d.gain, other.Score))
}

// uncheckedSentence is the warning on a pod whose floor nobody checked.
func uncheckedSentence(floor float64, why string) string {
	return fmt.Sprintf("placed without checking %s %.2f: %s", v1alpha1.MinPerformanceAnnotation, floor, why)
}
