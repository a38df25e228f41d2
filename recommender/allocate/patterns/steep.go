package patterns

// steepness is the power of the times in the first order problem. With 1 a full step towards its solution swings by up to three times the
// way: the longer a time, the more the percentile is moved by it, which the power foresees. From 1.5 to 3 all do alike; 3 needs the least
// inner rounds.
const steepness = 3

// steep is a curve to the power of steepness.
type steep struct{ Curve }

func (s steep) Mean(cores float64) float64 {
	mean := s.Curve.Mean(cores)
	return mean * mean * mean
}

func (s steep) Slope(cores float64) float64 {
	mean := s.Curve.Mean(cores)
	return steepness * mean * mean * s.Curve.Slope(cores)
}
