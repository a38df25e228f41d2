package eviction

import (
	"strings"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
)

// Outcome is what came of a request.
type Outcome string

// Outcomes. A request counts whenever its outcome changes: one that waited and was evicted counts for both.
const (
	// Permitted is what may be evicted: Judge's answer, before the API server's.
	Permitted Outcome = "permitted"
	// Evicted: the API server took the eviction.
	Evicted Outcome = "evicted"
	// WouldEvict: the switch is in shadow, and nothing else stood against it.
	WouldEvict Outcome = "would_evict"
	// Refused: the request breaks a rule, and is not looked at again.
	Refused Outcome = "refused"
	// Gone: the pod that was meant is no more, or leaves already.
	Gone Outcome = "gone"
	// Waiting: too many were evicted lately; see Budget.
	Waiting Outcome = "waiting"
	// Disruption: a budget of disruption (PodDisruptionBudget) refuses for now.
	Disruption Outcome = "disruption_budget"
	// Forbidden: the recommender lacks the right, or an admission policy refuses. The request is not looked at again.
	Forbidden Outcome = "forbidden"
	// Failed: the API server did not answer, or failed.
	Failed Outcome = "failed"
	// Expired: none of the tries of the request's two minutes came through, or it was seen only after them.
	Expired Outcome = "expired"
)

// Metrics count requests by outcome.
type Metrics struct{ *prometheus.CounterVec }

// NewMetrics returns counters with all outcomes at 0.
func NewMetrics(namespace string) Metrics {
	m := Metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "eviction_requests_total", Help: "Requests of node agents to evict a batch pod, by what came of them.",
	}, []string{"outcome"})}
	for _, o := range []Outcome{Evicted, WouldEvict, Refused, Gone, Waiting, Disruption, Forbidden, Failed, Expired} {
		m.WithLabelValues(string(o))
	}
	return m
}

// Bounds of texts in bytes: of what an agent gives as a name, of the agent's sentence, and of an event's message, which the API bounds.
const (
	maxName    = 64
	maxWhy     = 600
	maxMessage = 1024
)

// sentence is a text of others on one line, cut to so many bytes at a rune.
func sentence(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-3], "") + "..."
}
