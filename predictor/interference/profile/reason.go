package profile

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// seldom is the share of nodes below which a mix is not one that placement would use.
const seldom = 0.002

// reason says why a mix is worth measuring: because placement would use it, or because of what it tells of others.
func (b *belief) reason(o *option, c choice, use float64) string {
	k, most := 0, -1.0 // the class of which the measurement tells most
	for i := range o.parts {
		if s := c.law[i] + c.own[i]; s > most {
			k, most = i, s
		}
	}
	p := &o.parts[k]
	name := b.doc.Classes[p.class].Name
	_, variance := b.signal(p)
	spread := math.Exp(laws.NormalScale*math.Sqrt(math.Max(variance-b.classes[p.class].noise, 0))) - 1
	known := fmt.Sprintf("%s in it is known to ±%.0f %%", name, 100*spread)
	if spread > 1 {
		known = fmt.Sprintf("next to nothing is known of %s in it", name)
	}
	if beyond := p.features[1+2*b.doc.Rank]; beyond > 0 {
		known += fmt.Sprintf(" (%g more neighbours than were ever measured)", beyond)
	}
	switch {
	case use >= seldom && sum(c.own) >= sum(c.law):
		return fmt.Sprintf("placement would use it on %.1f %% of nodes, and %s", 100*use, known)
	case use >= seldom:
		return fmt.Sprintf("placement would use it on %.1f %% of nodes, %s, and it tells what %s does elsewhere", 100*use, known, name)
	default:
		return fmt.Sprintf("it tells most of what %s does in the mixes that placement would use; %s", name, known)
	}
}
