package cluster

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
)

const (
	// maxWishes bounds the constraints in one annotation, maxConstraints those of the operator and all pods together.
	maxWishes      = 20
	maxConstraints = 1000
	// maxTexts bounds how many annotations are kept as read.
	maxTexts = 10_000
)

// ParseConstraints reads soft constraints in the language of package constraints. Node groups are nodes, also by the name of their topology
// key, kubernetes.io/hostname: what a rack or zone costs does not add up over its nodes, which planning rests on.
func ParseConstraints(text string) ([]constraints.Constraint, error) {
	all, err := constraints.Parse(text)
	if err != nil {
		return nil, err
	}
	for i := range all {
		switch all[i].Group {
		case constraints.Node:
		case v1.LabelHostname:
			all[i].Group = constraints.Node
		default:
			return nil, fmt.Errorf("constraint %s: node group %q is not supported, expected %s or %s",
				all[i], all[i].Group, constraints.Node, v1.LabelHostname)
		}
	}
	return all, nil
}

// Wishes are the soft constraints: those of the operator, for all pods, and those in annotations, each for the pods that carry it. The tags
// of a pod are its workload class and its labels as key=value.
type Wishes struct {
	operators []constraints.Constraint

	mu   sync.Mutex
	read map[string]wish // by annotation
}

// wish is an annotation as read.
type wish struct {
	constraints []constraints.Constraint
	err         error
}

// NewWishes are those of the operator.
func NewWishes(operators []constraints.Constraint) *Wishes {
	return &Wishes{operators: operators, read: make(map[string]wish)}
}

// Problem says what is wrong with the annotation of a pod, nil where nothing is or it has none. A wrong one is no constraint at all.
func (w *Wishes) Problem(pod *v1.Pod) error {
	text := wishOf(pod)
	if text == "" {
		return nil
	}
	if _, err := w.parse(text); err != nil {
		return fmt.Errorf("annotation %s is ignored: %w", v1alpha1.ConstraintsAnnotation, err)
	}
	return nil
}

func wishOf(pod *v1.Pod) string { return pod.Annotations[v1alpha1.ConstraintsAnnotation] }

func (w *Wishes) parse(text string) ([]constraints.Constraint, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known, ok := w.read[text]
	if !ok {
		known.constraints, known.err = ParseConstraints(text)
		if n := len(known.constraints); n > maxWishes {
			known = wish{err: fmt.Errorf("it has %d constraints, expected at most %d", n, maxWishes)}
		}
		if len(w.read) >= maxTexts {
			clear(w.read)
		}
		w.read[text] = known
	}
	return known.constraints, known.err
}

// tagged is what constraints see of a pod.
type tagged struct {
	class  string
	labels map[string]string
	wish   string
}

func taggedOf(pod *v1.Pod) tagged {
	return tagged{class: podclass.Name(pod), labels: pod.Labels, wish: wishOf(pod)}
}

// inForce are the constraints that hold for pods, with what they see of each. It is nil where there are none.
type inForce struct {
	all     []constraints.Constraint
	dropped int
	// number tells the annotations apart: the pods that carry one have a tag of their own by it.
	number map[string]int
	// profiles are the tags, of those that matter, that some pod carries together; of is the profile of each pod.
	profiles [][]string
	of       []int
}

// inForce are the constraints of the operator and of the pods given, and those of the first annotations in their order where there are too
// many.
func (w *Wishes) inForce(pods []tagged) *inForce {
	f := &inForce{all: slices.Clone(w.operators), number: map[string]int{}}
	for i := range pods {
		if pods[i].wish != "" {
			f.number[pods[i].wish] = 0
		}
	}
	for i, text := range slices.Sorted(maps.Keys(f.number)) {
		f.number[text] = i
		wished, _ := w.parse(text) // Problem tells of the error
		for _, c := range wished {
			c.Subject = append(slices.Clone(c.Subject), ownTag(i))
			if len(f.all) == maxConstraints || c.Validate() != nil { // one tag too many
				f.dropped++
				continue
			}
			f.all = append(f.all, c)
		}
	}
	if len(f.all) == 0 {
		return nil
	}
	f.tell(pods)
	return f
}

// ownTag is the tag of the pods that carry an annotation.
func ownTag(number int) string { return v1alpha1.ConstraintsAnnotation + ":" + strconv.Itoa(number) }

// tell finds the profiles of the pods, and numbers them in an order that does not depend on theirs.
func (f *inForce) tell(pods []tagged) {
	m := newMatter(f.all)
	keys := make([]string, len(pods))
	distinct := map[string]int{}
	var positions []uint16
	var key []byte
	for i := range pods {
		positions = m.carried(positions[:0], &pods[i])
		if number, ok := f.number[pods[i].wish]; ok {
			if at, ok := m.at[ownTag(number)]; ok {
				positions = append(positions, at)
			}
		}
		slices.Sort(positions)
		key = key[:0]
		for _, at := range positions {
			key = binary.BigEndian.AppendUint16(key, at)
		}
		keys[i] = string(key)
		distinct[keys[i]] = 0
	}
	for i, key := range slices.Sorted(maps.Keys(distinct)) {
		distinct[key] = i
		var tags []string
		for at := range len(key) / 2 {
			tags = append(tags, m.tags[binary.BigEndian.Uint16([]byte(key[2*at:]))])
		}
		f.profiles = append(f.profiles, tags)
	}
	f.of = make([]int, len(pods))
	for i := range pods {
		f.of[i] = distinct[keys[i]]
	}
}

// matter is the tags that constraints speak of, found by what pods carry: there are many pods.
type matter struct {
	tags []string
	// at is the position of each tag; byLabel that of those that are labels, by key and value.
	at      map[string]uint16
	byLabel map[string]map[string]uint16
}

// newMatter lists the tags. At most 1,000 constraints of at most 32 each fit into 16 bits.
func newMatter(all []constraints.Constraint) matter {
	m := matter{at: map[string]uint16{}, byLabel: map[string]map[string]uint16{}}
	for _, c := range all {
		m.tags = append(append(m.tags, c.Subject...), c.Target...)
	}
	slices.Sort(m.tags)
	m.tags = slices.Compact(m.tags)
	for i, tag := range m.tags {
		at := uint16(i) //nolint:gosec // see above
		m.at[tag] = at
		if key, value, ok := strings.Cut(tag, "="); ok {
			if m.byLabel[key] == nil {
				m.byLabel[key] = map[string]uint16{}
			}
			m.byLabel[key][value] = at
		}
	}
	return m
}

// carried adds the positions of the tags that a pod's class and labels are.
func (m *matter) carried(positions []uint16, pod *tagged) []uint16 {
	if at, ok := m.at[pod.class]; ok {
		positions = append(positions, at)
	}
	for key, value := range pod.labels {
		if at, ok := m.byLabel[key][value]; ok {
			positions = append(positions, at)
		}
	}
	return positions
}

// profileOf is the profile of a pod by its position, 0 where nothing is in force.
func (f *inForce) profileOf(i int) int {
	if f == nil {
		return 0
	}
	return f.of[i]
}

// compile makes the constraints ready for the profiles, nil where nothing is in force.
func (f *inForce) compile() (*constraints.Set, error) {
	if f == nil {
		return nil, nil
	}
	set, err := constraints.Compile(f.all, f.profiles)
	if err != nil {
		return nil, fmt.Errorf("compiling soft constraints: %w", err)
	}
	return set, nil
}
