package schedplugin

import (
	"math"

	fwk "k8s.io/kube-scheduler/framework"
)

// Scale is how a plugin's measure of a node, the more the better, becomes a score. Score returns the measure in whole units (Raw), and
// NormalizeScore takes a point off 100 for so many units less than the best node has (Normalize).
type Scale struct {
	// Units are in one of the measure.
	Units float64
	// PerPoint is how many units are worth a point. Must be positive.
	PerPoint int64
	// Limit bounds raw scores, so that their differences cannot overflow.
	Limit int64
}

// Raw rounds a measure to units. What is not a number is the least: it must not make a node best.
func (s Scale) Raw(measure float64) int64 {
	limit := float64(s.Limit)
	if math.IsNaN(measure) {
		return -s.Limit
	}
	return int64(math.Round(min(max(measure*s.Units, -limit), limit)))
}

// Normalize turns raw scores into points from 0 to 100, 100 for the best node. In mode shadow every node gets 0, which changes nothing. It
// returns the two nodes with the largest raw scores, of equal ones the first by name; their Name is "" where there are fewer.
func (s Scale) Normalize(scores fwk.NodeScoreList, shadow bool) (best, next fwk.NodeScore) {
	best, next = twoBest(scores)
	for i := range scores {
		if shadow {
			scores[i].Score = 0
			continue
		}
		lost := best.Score - scores[i].Score
		scores[i].Score = max(fwk.MinScore, fwk.MaxScore-(lost+s.PerPoint/2)/s.PerPoint)
	}
	return best, next
}

func twoBest(scores fwk.NodeScoreList) (best, next fwk.NodeScore) {
	for _, s := range scores {
		switch {
		case above(s, best):
			best, next = s, best
		case above(s, next):
			next = s
		}
	}
	return best, next
}

// above reports whether a goes before b, which may be no node.
func above(a, b fwk.NodeScore) bool {
	return b.Name == "" || a.Score > b.Score || (a.Score == b.Score && a.Name < b.Name)
}
