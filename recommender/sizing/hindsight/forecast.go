package hindsight

import (
	"math"
	"time"
)

const (
	// Rates is the number of windows whose rates are worth keeping: older ones weigh less than an eighth.
	Rates = 180
	// planLevel is the level of the planned rate. In the closed loop of test/sizing, 0.95 for 0.8 costs 3 to 4 % more cores and takes away
	// 15 to 40 % of late requests.
	planLevel = 0.9
	// rateHalf is the half-life of a ratio's weight, in windows.
	rateHalf = 60
	// Lag is the number of rounds from the last window seen to the end of the first in which a decision can act.
	Lag = 2
	// priorGrowth is the standard deviation of the log ratio over Lag rounds before there is history: persistence errs by 0.16 at one
	// minute on production traces, and errors of two minutes add up at most as independent ones do.
	priorGrowth = 0.2
	// priorRates is the number of windows after which the prior has lost half its weight.
	priorRates = 10
)

// smoothings are the weights of the newest rate in the averages that a forecast may start from: the last rate alone follows a ramp, an
// average sees through noise. Which is best is measured.
var smoothings = [...]float64{1, 0.4, 0.15}

// Rate is the rate of requests in a window.
type Rate struct {
	// Time is the end of the window.
	Time      time.Time `json:"time"`
	PerSecond float64   `json:"perSecond"`
}

// Forecast is a planned rate and how it came about, per second.
type Forecast struct {
	// Last is the rate of the last window, Base the average that growth is counted from, Planned the rate to size for, Expected the
	// median of the rate Lag rounds on.
	Last, Base, Planned, Expected float64
}

// growth holds the log ratios of one way of smoothing.
type growth struct {
	base             float64
	ratios           []sample
	quantile, median float64
}

// Plan returns the rate to size for, from the rates so far, oldest first and not more than Rates: the quantile at planLevel of the rate Lag
// rounds on. It is never below the last rate nor below the mean over the last settle. Averages start anew after a gap without rates. Without rates
// it is 0.
func Plan(rates []Rate, round, settle, gap time.Duration) Forecast {
	if len(rates) == 0 {
		return Forecast{}
	}
	last := rates[len(rates)-1]
	f := Forecast{Last: last.PerSecond}
	best := math.Inf(1)
	for _, alpha := range smoothings {
		g := measureGrowth(rates, alpha, round, gap)
		if loss := g.loss(); loss < best {
			best = loss
			f.Base, f.Planned, f.Expected = g.base, g.base*math.Exp(g.quantile), g.base*math.Exp(g.median)
		}
	}
	var sum, n float64
	for _, r := range rates {
		if last.Time.Sub(r.Time) < settle {
			sum, n = sum+r.PerSecond, n+1
		}
	}
	f.Planned = max(f.Planned, f.Last, sum/n)
	return f
}

// measureGrowth runs over the rates and collects log(rate(t + Lag)/base(t)).
func measureGrowth(rates []Rate, alpha float64, round, gap time.Duration) growth {
	g := growth{base: rates[0].PerSecond}
	bases := make([]float64, len(rates))
	for i, r := range rates {
		if g.base += alpha * (r.PerSecond - g.base); i > 0 && r.Time.Sub(rates[i-1].Time) > gap {
			g.base = r.PerSecond
		}
		bases[i] = g.base
		from := i - 1
		for from >= 0 && r.Time.Sub(rates[from].Time) < Lag*round-round/2 {
			from--
		}
		if from < 0 || r.Time.Sub(rates[from].Time) > Lag*round+round/2 || !(bases[from] > 0 && r.PerSecond > 0) {
			continue
		}
		g.ratios = append(g.ratios, sample{value: math.Log(r.PerSecond / bases[from])})
	}
	weigh(g.ratios, rateHalf)
	g.ratios = append(g.ratios, priorSamples(priorGrowth, float64(len(g.ratios)), priorRates)...)
	g.quantile, g.median = upperQuantile(g.ratios, planLevel), median(g.ratios)
	return g
}

// loss is the mean pinball loss of the quantile, the score that the true quantile minimises.
func (g *growth) loss() float64 {
	var sum, weight float64
	for _, s := range g.ratios {
		over := s.value - g.quantile
		sum += s.weight * max(planLevel*over, (planLevel-1)*over)
		weight += s.weight
	}
	return sum / weight
}
