package interference

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
)

// effects is one class in the dimensions: how it reacts to pressure and presence, and how it presses.
type effects struct {
	base                                       float64
	byPressure, byPresence, pressure, presence [MaxRank]float64
}

// gathered is what a mix presses with: the sums over its known classes in the dimensions, and the load of no known class. What one container
// feels is that less itself. So a prediction takes a few steps for each class that is there, instead of one for each pair.
type gathered struct {
	felt           interactions.Felt
	load, presence [MaxRank]float64
	unknown        float64
}

func (m *Model) gather(f *gathered, mix Mix) {
	if m.interaction != nil {
		m.interaction.Gather(&f.felt, mix)
	}
	if m.effects == nil {
		return
	}
	for _, l := range mix {
		if l.Class == Unknown {
			f.unknown = l.Units
			continue
		}
		e := &m.effects[l.Class]
		for d := range MaxRank {
			f.load[d] += l.Units * e.pressure[d]
			f.presence[d] += e.presence[d]
		}
	}
}

// law is ln(performance) of one container of the k-th class under the law, without look-up. all is what gather made of the mix.
func (m *Model) law(mix Mix, k int, all *gathered) float64 {
	t := mix[k].Class
	eta := m.linear(mix, k, all)
	if m.together == nil || m.together[t] == nil {
		return eta
	}
	f := all.felt
	m.interaction.LeaveOut(&f, mix[k], m.doc.Classes[t].MaxUnits)
	if m.pressure != nil {
		f.Weigh(m.pressure[t])
	}
	return eta + f.Effect(m.together[t])
}

// linear is the part of the law that is linear in load and presence.
func (m *Model) linear(mix Mix, k int, all *gathered) float64 {
	t := mix[k].Class
	weight := m.weight(t)
	if m.effects != nil {
		return m.reaction(t, mix[k].Units, weight, all)
	}
	eta := m.doc.Classes[t].Response[0]
	row := t * m.classes
	for _, l := range mix {
		units := l.Neighbours(t) * weight
		switch {
		case units <= 0:
		case l.Class == Unknown:
			eta += units*m.unknownCount[t] + m.unknownPresence[t]
		default:
			eta += units*m.count[row+l.Class] + m.presence[row+l.Class]
		}
	}
	return eta
}

// reaction is linear from what was gathered; units is the load of class t itself.
func (m *Model) reaction(t int, units, weight float64, all *gathered) float64 {
	e := &m.effects[t]
	if weight <= 0 {
		return e.base
	}
	own, alone := min(units, 1), 0.0
	if units <= 1 {
		alone = 1
	}
	var load, presence float64
	for d := range MaxRank {
		load += e.byPressure[d] * (all.load[d] - own*e.pressure[d])
		presence += e.byPresence[d] * (all.presence[d] - alone*e.presence[d])
	}
	eta := e.base + weight*load + presence
	if all.unknown > 0 {
		eta += weight*all.unknown*m.unknownCount[t] + m.unknownPresence[t]
	}
	return eta
}

// coefficientVariance is z'Cov z: how unsure the law is of ln(performance of t) in this mix for want of data. Load of no known
// class may do anything that a known class does.
func (m *Model) coefficientVariance(mix Mix, t int) float64 {
	rank := m.doc.Rank
	var z [1 + 2*MaxRank]float64
	z[0] = 1
	var v float64
	weight := m.weight(t)
	for _, l := range mix {
		units := l.Neighbours(t) * weight
		if units <= 0 {
			continue
		}
		if l.Class == Unknown {
			w := &m.unknownVariance[t]
			v += units*units*w[0] + units*w[1] + w[2]
			continue
		}
		if m.unseen[t*m.classes+l.Class] {
			load, present := units*m.doc.Classes[t].UnseenLoadStdDev, m.doc.Classes[t].UnseenPresenceStdDev
			v += load*load + present*present
		}
		neighbour := &m.doc.Classes[l.Class]
		for d := range rank {
			z[1+d] += units * neighbour.Pressure[d]
			z[1+rank+d] += neighbour.Presence[d]
		}
	}
	covariance, at := m.doc.Classes[t].Covariance, 0
	for i := range 1 + 2*rank {
		for j := range i + 1 {
			term := z[i] * z[j] * covariance[at]
			if i != j {
				term *= 2
			}
			v += term
			at++
		}
	}
	return math.Max(v, 0)
}
