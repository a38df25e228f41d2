package localize

import (
	"math"
)

const second = 1e9 // nanoseconds

// Analyse compares a window with a baseline in which nothing was wrong; the baseline may be empty. services is how many there are:
// edges of others, and patterns that the baseline has not, count for nothing. The percentile, between 0 and 1, says which requests are
// the tail.
func Analyse(now, baseline Window, services int, percentile float64) Report {
	nan := math.NaN()
	r := Report{
		Requests: len(now.Requests), BaseRequests: len(baseline.Requests), Percentile: percentile, Rise: nan, Before: nan,
		Threshold:     quantile(durations(now.Requests), percentile) / second,
		BaseThreshold: quantile(durations(baseline.Requests), percentile) / second,
		Services:      make([]Evidence, services),
	}
	for i := range r.Services {
		r.Services[i] = Evidence{
			Service: i, Usage: now.usage(i), BaseUsage: baseline.usage(i),
			VarianceShare: Figure{nan, nan}, TailShare: Figure{nan, nan}, BaseVarianceShare: nan, BaseTailShare: nan,
			Rise: Figure{nan, nan}, RiseShare: nan, Drift: Figure{nan, nan},
		}
	}
	r.setTimes(now.Requests, baseline.Requests)
	if len(now.Requests) > 0 {
		r.setShares(now.Requests, baseline.Requests)
	}
	return r
}

// setTimes sets the quantiles of the times of calls.
func (r *Report) setTimes(now, baseline []Request) {
	is, calls := times(now, len(r.Services))
	was, _ := times(baseline, len(r.Services))
	for i := range r.Services {
		e := &r.Services[i]
		e.Calls = calls[i] / max(1, float64(len(now)))
		e.P50, e.P99, e.Congestion = spread(is[i])
		e.BaseP50, e.BaseP99, e.BaseCongestion = spread(was[i])
	}
}

// times returns by service the mean time of a call of each request that comes to it, and the number of calls.
func times(requests []Request, services int) (list [][]float64, calls []float64) {
	list, calls = make([][]float64, services), make([]float64, services)
	time, number := make([]float64, services), make([]float64, services)
	for i := range requests {
		clear(time)
		clear(number)
		for _, e := range requests[i].Edges {
			if e.To >= 0 && e.To < services {
				time[e.To] += float64(e.Self+e.Network) / second
				number[e.To] += float64(e.Calls)
			}
		}
		for s, n := range number {
			if n > 0 {
				list[s] = append(list[s], time[s]/n)
				calls[s] += n
			}
		}
	}
	return list, calls
}

// spread is median, 99th percentile and their ratio.
func spread(values []float64) (p50, p99, ratio float64) {
	p50, p99 = quantile(values, 0.5), quantile(values, 0.99)
	return p50, p99, p99 / p50
}

// setShares sets what is estimated from sums, with errors.
func (r *Report) setShares(now, baseline []Request) {
	list, listWas := divide(now, r.Percentile), divide(baseline, r.Percentile)
	all, was := total(list, none), total(listWas, none)
	before := estimateOf(was, nil, len(r.Services))
	e := estimateOf(all, was, len(r.Services))
	var left, leftWas []estimate // of now and of the baseline, each without one block
	if len(list) > 1 {
		for i := range list {
			left = append(left, estimateOf(total(list, i), was, len(r.Services)))
		}
	}
	if len(listWas) > 1 {
		for i := range listWas {
			leftWas = append(leftWas, estimateOf(all, total(listWas, i), len(r.Services)))
		}
	}
	r.Matched = e.matched
	if e.rise != nil {
		r.Rise, r.Before = e.riseTotal/second, e.before/second
	}
	for i := range r.Services {
		s := &r.Services[i]
		s.BaseTailShare, s.BaseVarianceShare = of(before.tail, i), of(before.variance, i)
		s.VarianceShare = figure(&e, left, nil, func(e *estimate) float64 { return of(e.variance, i) })
		s.TailShare = figure(&e, left, nil, func(e *estimate) float64 { return of(e.tail, i) })
		if e.tail != nil {
			s.Tail = e.tail[i]
		}
		r.setRise(s, &e, left, leftWas)
	}
}

// setRise sets what compares a service with the baseline.
func (r *Report) setRise(s *Evidence, e *estimate, left, leftWas []estimate) {
	if e.rise == nil {
		return
	}
	sum := 0.0
	for i := range e.rise {
		sum += max(0, e.rise[i].Sum())
	}
	by := e.rise[s.Service]
	s.Rise = figure(e, left, leftWas, func(e *estimate) float64 { return of(e.rise, s.Service) / second })
	s.RiseBy = Split{by.Own / second, by.To / second, by.From / second}
	s.RiseShare = 0
	if sum > 0 {
		s.RiseShare = max(0, by.Sum()) / sum
	}
	s.Drift = figure(e, left, leftWas, func(e *estimate) float64 {
		if e.drift == nil {
			return math.NaN()
		}
		return e.drift[s.Service]
	})
}

// of is the whole of a service, NaN where there is nothing to share.
func of(shares []Split, i int) float64 {
	if shares == nil {
		return math.NaN()
	}
	return shares[i].Sum()
}

// figure is a value of the estimate with the error of the window and of the baseline together.
func figure(e *estimate, left, leftWas []estimate, value func(*estimate) float64) Figure {
	return Figure{value(e), math.Hypot(jackknife(left, value), jackknife(leftWas, value))}
}

// jackknife is the standard error from estimates that each leave out one of as many blocks (Efron 1982); 0 of none.
func jackknife(left []estimate, value func(*estimate) float64) float64 {
	n, sum := 0.0, 0.0
	for i := range left {
		if v := value(&left[i]); !math.IsNaN(v) {
			n++
			sum += v
		}
	}
	if n < 2 {
		return 0
	}
	mean, squares := sum/n, 0.0
	for i := range left {
		if v := value(&left[i]); !math.IsNaN(v) {
			squares += (v - mean) * (v - mean)
		}
	}
	return math.Sqrt(squares * (n - 1) / n)
}
