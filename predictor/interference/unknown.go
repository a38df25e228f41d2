package interference

// varianceOfUnknown returns the coefficients of units², units and 1 in the variance of what load of no known class does to class
// t: as a draw from the known classes it may do what any of them does, which differs among them and is uncertain for each. The
// sample variance is that of one more class, (n+1)/(n−1) times the spread of n.
func (m *Model) varianceOfUnknown(t int) [3]float64 {
	n := m.classes
	var w [3]float64
	spread := 1.0
	if n > 1 {
		spread = float64(n+1) / float64(n-1)
	}
	for j := range n {
		dc, dp := m.count[t*n+j]-m.unknownCount[t], m.presence[t*n+j]-m.unknownPresence[t]
		cc, cp, pp := m.effectCovariance(t, j)
		w[0] += (spread*dc*dc + cc) / float64(n)
		w[1] += 2 * (spread*dc*dp + cp) / float64(n)
		w[2] += (spread*dp*dp + pp) / float64(n)
	}
	return w
}

// effectCovariance returns the posterior variance of the effect of a unit of class j on t, its covariance with the effect of j's
// presence, and the variance of that.
func (m *Model) effectCovariance(t, j int) (load, both, presence float64) {
	rank := m.doc.Rank
	packed, neighbour := m.doc.Classes[t].Covariance, &m.doc.Classes[j]
	at := func(a, b int) float64 { // of the symmetric matrix
		if a < b {
			a, b = b, a
		}
		return packed[a*(a+1)/2+b]
	}
	for a := range rank {
		for b := range rank {
			load += neighbour.Pressure[a] * neighbour.Pressure[b] * at(1+a, 1+b)
			both += neighbour.Pressure[a] * neighbour.Presence[b] * at(1+a, 1+rank+b)
			presence += neighbour.Presence[a] * neighbour.Presence[b] * at(1+rank+a, 1+rank+b)
		}
	}
	return load, both, presence
}
