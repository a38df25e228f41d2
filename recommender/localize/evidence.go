package localize

// Figure is a number with its standard error.
type Figure struct{ Value, Error float64 }

// Evidence is what speaks for or against a service. Times are seconds. What cannot be said is NaN.
type Evidence struct {
	Service int
	Calls   float64 // of a request, mean
	// VarianceShare is the covariance of the service's part with the duration over the duration's variance; TailShare the mean part in
	// requests above the percentile less the mean part in all, over the same difference of the duration. Each adds up to 1 over the
	// services.
	VarianceShare, TailShare         Figure
	BaseVarianceShare, BaseTailShare float64
	Tail                             Split // TailShare by where it arises

	Rise   Figure // of the service's part of the mean request against the baseline, with the patterns of now
	RiseBy Split  // Rise by where it arises
	// RiseShare is Rise over the sum of all rises, of services that became faster 0: between 0 and 1, and 0 where nothing rose.
	RiseShare float64
	Drift     Figure // natural logarithm of the service's part per call over that in the baseline

	// P50 and P99 are of the time of a call with the way to it, mean of the calls of a request. Congestion is P99/P50, FIRM's congestion
	// intensity.
	P50, P99, Congestion             float64
	BaseP50, BaseP99, BaseCongestion float64

	Usage, BaseUsage Usage
}

// Report is the evidence on all services.
type Report struct {
	Requests, BaseRequests   int
	Percentile               float64 // between 0 and 1: which requests are the tail
	Threshold, BaseThreshold float64 // this percentile of the duration, seconds
	Before                   float64 // mean duration in the baseline, with the patterns of now, seconds
	Rise                     float64 // of the mean duration since, seconds
	Matched                  float64 // share of the requests whose pattern the baseline has
	Services                 []Evidence
}
