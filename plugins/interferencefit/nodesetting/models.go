package nodesetting

import (
	"slices"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// In is a model in one setting. Its address identifies it.
type In struct {
	*interference.Model
	// pressure is by class for how many neighbours of the model's own setting one counts that presses on it; nil for one.
	pressure []float64
}

// Models are one model in all the settings that it has. They are immutable.
type Models struct {
	named  bool
	byName map[string]*In
	// all begins with the model's own setting, then follows the model's order.
	all []*In
}

// Doubt is why the setting of a node is not known, "" where it is. It is a label value of metrics.
type Doubt string

const (
	// UnknownSetting is one that the model does not have.
	UnknownSetting Doubt = "unknown_setting"
	// StaleReport is a NodeIsolation whose status is too old.
	StaleReport Doubt = "stale_report"
	// UnreadReports is before the first answer about NodeIsolation objects.
	UnreadReports Doubt = "unread_reports"
)

// Setting is what a node is valued by.
type Setting struct {
	// Possible are the settings that the node may be in: what it gains is the least of them. There is one where there is no doubt.
	Possible []*In
	// Likely is the likeliest of them.
	Likely *In
	// Name of the setting; the likeliest where it is in doubt, "" for a model that names none.
	Name  string
	Doubt Doubt
}

// Of returns the settings of a model.
func Of(m *interference.Model) *Models {
	doc := m.Document()
	own := &In{Model: m}
	models := &Models{named: doc.Setting != "" || len(doc.Settings) > 0, byName: map[string]*In{doc.Setting: own}, all: []*In{own}}
	for _, s := range doc.Settings {
		if in, ok := m.In(s.Name); ok {
			other := &In{Model: in, pressure: s.Pressure}
			models.byName[s.Name] = other
			models.all = append(models.all, other)
		}
	}
	return models
}

// Own is the model in its own setting.
func (m *Models) Own() *In { return m.all[0] }

// Named reports whether the model names a setting, so that it matters in which one a node is.
func (m *Models) Named() bool { return m.named }

// Setting is what a node is valued by, as its labels and the report on it have it. A nil node has no labels.
func (m *Models) Setting(node *v1.Node, report Report) Setting {
	if !m.named {
		return Setting{Possible: m.all, Likely: m.Own()}
	}
	shape := ""
	if node != nil {
		shape = v1alpha1.ShapeOf(node.Labels)
	}
	s := Setting{Name: v1alpha1.SettingName(shape, report.Partitions), Doubt: report.Doubt}
	likely := m.find(shape, report.Partitions)
	if likely == nil && s.Doubt == "" {
		s.Doubt = UnknownSetting
	}
	switch s.Doubt {
	case "":
		s.Possible = []*In{likely}
	case StaleReport:
		s.Possible = m.eachOf(shape, report.Partitions, report.Wanted, "")
	default:
		s.Possible = m.all
	}
	if s.Likely = likely; likely == nil {
		s.Likely = m.Own()
	}
	return s
}

// find is the setting of a shape with partitions, else that of any shape with them, else nil.
func (m *Models) find(shape, partitions string) *In {
	if in, ok := m.byName[v1alpha1.SettingName(shape, partitions)]; ok {
		return in
	}
	return m.byName[v1alpha1.SettingName("", partitions)]
}

// eachOf are the settings of a shape with each of those partitions; all where the model does not have one of them.
func (m *Models) eachOf(shape string, partitions ...string) []*In {
	var found []*In
	for _, p := range partitions {
		in := m.find(shape, p)
		if in == nil {
			return m.all
		}
		if !slices.Contains(found, in) {
			found = append(found, in)
		}
	}
	return found
}

// Improves reports whether a node gets better for some class when its setting turns from one into another: neighbours count for less then,
// and more of them slow it, or they count for more, and more of them speed it up. slowed and sped say by class whether some neighbour does.
func Improves(from, to *In, slowed, sped []bool) bool {
	for class := range slowed {
		switch was, is := from.weight(class), to.weight(class); {
		case is < was && slowed[class], is > was && sped[class]:
			return true
		}
	}
	return false
}

func (in *In) weight(class int) float64 {
	if in.pressure == nil {
		return 1
	}
	return in.pressure[class]
}
