package localize

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Finding is how likely a service is the cause. Low and High are the ends of the 90 % interval that comes from what is not certain of
// the model's weights.
type Finding struct {
	Service                int
	Probability, Low, High float64
}

// Findings returns all services, the most likely cause first.
func (r *Report) Findings(m *Model) []Finding {
	list := make([]Finding, len(r.Services))
	for i := range list {
		f := &list[i]
		f.Service = i
		f.Probability, f.Low, f.High = m.Probability(r.Inputs(i))
	}
	slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(b.Probability, a.Probability) })
	return list
}

// Names are how services and the requests looked at are called in sentences.
type Names struct {
	Services []string
	Request  string // "POST /cart"
	Baseline string // "in the hour before"
}

// Sentence says what speaks for a service, with numbers; ± is half the width of a 90 % interval.
func (r *Report) Sentence(service int, names Names) string {
	e := &r.Services[service]
	var facts, numbers []string
	if !math.IsNaN(e.TailShare.Value) {
		facts = append(facts, fmt.Sprintf("has %.0f %% (±%.0f) of the tail of %s", 100*e.TailShare.Value, 100*normal90*e.TailShare.Error, names.Request))
	}
	if !math.IsNaN(e.Rise.Value) {
		facts = append(facts, e.riseInWords(r.Before, names.Baseline))
	} else if len(facts) > 0 {
		facts[0] += where(e.Tail)
	}
	if !math.IsNaN(e.P99) {
		numbers = append(numbers, "p99 of a call "+duration(e.P99)+against(duration(e.BaseP99), e.BaseP99, names.Baseline))
	}
	if u, b := e.Usage, e.BaseUsage; !math.IsNaN(u.Throttled) {
		numbers = append(numbers, "throttled in "+percent(u.Throttled)+" of periods"+against(percent(b.Throttled), b.Throttled, ""))
	} else if !math.IsNaN(u.Utilisation) {
		numbers = append(numbers, percent(u.Utilisation)+" of its CPU limit used"+against(percent(b.Utilisation), b.Utilisation, ""))
	}
	if len(facts) == 0 {
		facts = []string{"was not seen"}
	}
	sentence := names.Services[service] + " " + strings.Join(facts, " and ")
	if len(numbers) > 0 {
		sentence += ": " + strings.Join(numbers, "; ")
	}
	return sentence + "."
}

// riseInWords is Rise, against the mean of the baseline (seconds).
func (e *Evidence) riseInWords(mean float64, baseline string) string {
	form := "adds %s (±%s) to the mean of %s %s%s"
	if e.Rise.Value < 0 {
		form = "takes %s (±%s) off the mean of %s %s%s"
	}
	return fmt.Sprintf(form, duration(math.Abs(e.Rise.Value)), duration(normal90*e.Rise.Error), duration(mean), baseline, where(e.RiseBy))
}

// where says where most of a quantity arises, if that is not the service's own work.
func where(s Split) string {
	switch sum := s.Sum(); {
	case sum <= 0 || s.Own > sum/2:
		return ""
	case s.To >= s.From:
		return ", most of it on the way to it (network, or waiting before it begins)"
	default:
		return ", most of it in what its calls to others have in common (it is late to send or to read)"
	}
}

func against(text string, value float64, when string) string {
	if math.IsNaN(value) {
		return ""
	}
	if when != "" {
		when = " " + when
	}
	return " against " + text + when
}

func percent(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }

// duration writes seconds with two or three figures.
func duration(seconds float64) string {
	switch abs := math.Abs(seconds); {
	case abs >= 9.995:
		return fmt.Sprintf("%.1f s", seconds)
	case abs >= 0.9995:
		return fmt.Sprintf("%.2f s", seconds)
	case abs >= 0.00995:
		return fmt.Sprintf("%.0f ms", 1e3*seconds)
	default:
		return fmt.Sprintf("%.2g ms", 1e3*seconds)
	}
}
