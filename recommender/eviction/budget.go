package eviction

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// PerNode is the least time between two evictions from a node, and Window what Config.PerMinute counts in. After an eviction the ladder
// needs minutes to show what it was good for.
const (
	PerNode = 5 * time.Minute
	Window  = time.Minute
)

// Config is how fast pods may be evicted.
type Config struct {
	// PerMinute is how many pods of the cluster may be evicted in a minute at most, from 1 to 60. Defaults to 1.
	PerMinute int `json:"perMinute"`
}

// maxPerMinute is one a second: more is no last step.
const maxPerMinute = 60

// DefaultConfig is one pod a minute.
func DefaultConfig() Config { return Config{PerMinute: 1} }

// Validate returns what is wrong with the configuration.
func (c Config) Validate(path *field.Path) field.ErrorList {
	if c.PerMinute < 1 || c.PerMinute > maxPerMinute {
		return field.ErrorList{field.Invalid(path.Child("perMinute"), c.PerMinute, fmt.Sprintf("must be from 1 to %d", maxPerMinute))}
	}
	return nil
}

// Limits are what a Budget holds to.
type Limits struct {
	// PerNode is the least time between two evictions from a node.
	PerNode time.Duration
	// InWindow is how many there may be in any Window of time, of all nodes together.
	Window   time.Duration
	InWindow int
}

// Budget counts evictions. It is not safe for concurrent use.
type Budget struct {
	limits Limits
	since  time.Time
	nodes  map[string]time.Time
	spent  []time.Time // in the last window
}

// NewBudget returns a budget of which nothing is known before since: until PerNode has passed, every node may have had its eviction.
func NewBudget(l Limits, since time.Time) *Budget {
	return &Budget{limits: l, since: since, nodes: map[string]time.Time{}}
}

// Refuses says why no pod of a node may be evicted now; "" if one may.
func (b *Budget) Refuses(node string, now time.Time) string {
	if last, known := b.nodes[node]; known && now.Sub(last) < b.limits.PerNode {
		return fmt.Sprintf("the last eviction from the node was at %s, less than %s ago", last.UTC().Format(time.RFC3339), b.limits.PerNode)
	}
	if now.Sub(b.since) < b.limits.PerNode {
		return fmt.Sprintf("this recommender leads since %s, less than %s ago, and does not know what the last one evicted",
			b.since.UTC().Format(time.RFC3339), b.limits.PerNode)
	}
	if recent := b.recent(now); len(recent) >= b.limits.InWindow {
		return fmt.Sprintf("%d pods of the cluster were evicted within %s, which is the most (eviction.perMinute)", len(recent), b.limits.Window)
	}
	return ""
}

// Spend counts an eviction from a node.
func (b *Budget) Spend(node string, now time.Time) {
	for n, last := range b.nodes {
		if now.Sub(last) >= b.limits.PerNode {
			delete(b.nodes, n)
		}
	}
	b.nodes[node] = now
	b.spent = append(b.recent(now), now)
}

// recent are the evictions of the last window.
func (b *Budget) recent(now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(b.spent), func(at time.Time) bool { return now.Sub(at) >= b.limits.Window })
}
