package compose

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func bind(t testing.TB, times []Time, patterns ...Part) *Distribution {
	t.Helper()
	g, err := New(patterns, len(times))
	if err != nil {
		t.Fatal(err)
	}
	d, err := g.Bind(times)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func call(service int, calls float64) Part { return Part{Service: service, Calls: calls} }

// Exponential times of means 1 and 2 after shifts of 0.5 and 1 take more than 1.5 + t with the share 2·e^(−t/2) − e^(−t): at t = 3,
// 2·0.2231302 − 0.0497871 = 0.3964733. Two calls of mean 1 are an Erlang time, of mean 2 together if alike: at t = 3, 4·e^−3 = 0.1991483
// and e^(−1.5) = 0.2231302. The longer of the two means is within t with (1 − e^(−t))(1 − e^(−t/2)): at 3, 0.9502129·0.7768698 = 0.7381917;
// the shifts: 3.5 after 0.5 and 3 after 1, 0.9698026·0.7768698 = 0.7534104 at t = 4.
func TestByHand(t *testing.T) {
	times := []Time{{Shift: 0.5, Mean: 1, Shape: 1}, {Shift: 1, Mean: 2, Shape: 1}, {Mean: 1, Shape: 1}, {Mean: 2, Shape: 1}}
	d := bind(t, times,
		Part{Series: []Part{call(0, 1), call(1, 1)}}, call(2, 2), Part{Calls: 2, Service: 2, Alike: true},
		Part{Parallel: []Part{call(2, 1), call(3, 1)}}, Part{Parallel: []Part{call(0, 1), call(1, 1)}},
	)
	for i, c := range []struct{ t, want float64 }{{4.5, 1 - 0.3964733}, {3, 1 - 0.1991483}, {3, 1 - 0.2231302}, {3, 0.7381917}, {4, 0.7534104}} {
		near(t, "share", d.CDF(i, c.t), c.want, 1e-7)
	}
	near(t, "share before the shifts", d.CDF(0, 1.4), 0, 0)
	cdf, _ := d.At([]float64{0, 0.25, 0.75, 0, 0}, 3)
	near(t, "mixture", cdf, 1-0.25*0.1991483-0.75*0.2231302, 1e-7)
}

// convolve is the share of a sum within t by brute force: of one time with the distribution function f, and another one with g.
func convolve(f, g func(float64) float64, t float64) (sum float64) {
	const steps = 20_000
	last := g(0) // at once
	sum = last * f(t)
	for i := 1; i <= steps; i++ {
		to := g(t * float64(i) / steps)
		sum += (to - last) * f(t-t*(float64(i)-0.5)/steps)
		last = to
	}
	return sum
}

// Gamma times in series, and times after parallel ones, of odd shapes and with shifts, against the convolution.
func TestConvolution(t *testing.T) {
	gamma := func(x Time, calls float64) func(float64) float64 {
		return func(v float64) float64 {
			if v -= calls * x.Shift; v <= 0 {
				return 0
			}
			return mathext.GammaIncReg(calls*x.Shape, v*x.Shape/x.Mean)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		times := make([]Time, 3)
		for i := range times {
			times[i] = Time{Shift: rng.Float64(), Mean: rng.ExpFloat64(), Shape: 0.7 + 3*rng.Float64()}
		}
		a, b, c := gamma(times[0], 2), gamma(times[1], 1), gamma(times[2], 1)
		longest := func(v float64) float64 { return b(v) * c(v) }
		d := bind(t, times,
			Part{Series: []Part{call(0, 2), call(1, 1)}},
			Part{Series: []Part{call(0, 1), {Parallel: []Part{call(1, 1), call(2, 1)}}, call(0, 1)}},
			Part{Parallel: []Part{{Series: []Part{call(0, 2), {Parallel: []Part{call(1, 1), call(2, 1)}}}}, call(1, 1)}},
		)
		for _, p := range []float64{0.02, 0.5, 0.9, 0.999} {
			for i, want := range []func(float64) float64{
				func(v float64) float64 { return convolve(a, b, v) },
				func(v float64) float64 { return convolve(a, longest, v) },
				func(v float64) float64 { return convolve(a, longest, v) * b(v) },
			} {
				shares := make([]float64, 3)
				shares[i] = 1
				at := d.Quantile(shares, p, 0)
				near(t, "share", d.CDF(i, at), p, 1e-8)
				near(t, "share by convolution", want(at), p, 1e-5)
			}
		}
	}
}

// random is patterns of a dozen services, each in some of them, with parallel parts in parallel parts.
func random(rng *rand.Rand) ([]Part, []Time, []float64) {
	times := make([]Time, 12)
	for i := range times {
		times[i] = Time{Shift: 0.1 * rng.Float64(), Mean: 0.05 + rng.ExpFloat64(), Shape: []float64{1, 2, 0.6 + 3*rng.Float64()}[i%3]}
	}
	calls := func() Part {
		return Part{Service: rng.IntN(12), Calls: float64(1 + rng.IntN(4)), Alike: rng.IntN(3) == 0}
	}
	inner := Part{Parallel: []Part{calls(), {Series: []Part{calls(), calls()}}, calls()}}
	return []Part{
		{Series: []Part{calls(), calls(), calls(), calls(), calls()}},
		{Series: []Part{calls(), inner, calls(), {Parallel: []Part{calls(), calls()}}}},
		{Parallel: []Part{calls(), {Series: []Part{calls(), inner}}}},
		calls(),
		inner,
	}, times, []float64{0.3, 0.2, 0.1, 0.15, 0.25}
}

// Derivatives of shares and quantiles against differences; the density against that by time; and Euler's theorem: all times twice as long
// make the quantile twice as long.
func TestSlopes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 3 {
		patterns, times, shares := random(rng)
		at := bind(t, times, patterns...).Quantile(shares, 0.2+0.79*rng.Float64(), 0)
		d := bind(t, times, patterns...)
		slopes, whole := d.Slopes(shares, at), d.QuantileSlopes(shares, at)
		p, density := d.At(shares, at)
		sum := 0.0
		for i := range times {
			step := 1e-3 * times[i].Mean
			moved := func(by float64) *Distribution {
				other := append([]Time(nil), times...)
				other[i].Mean += by
				return bind(t, other, patterns...)
			}
			more, _ := moved(step).At(shares, at)
			less, _ := moved(-step).At(shares, at)
			near(t, "slope times mean", slopes[i]*times[i].Mean, (more-less)/(2*step)*times[i].Mean, 1e-5)
			difference := (moved(step).Quantile(shares, p, at) - moved(-step).Quantile(shares, p, at)) / (2 * step)
			near(t, "slope of the quantile", whole[i], difference, 1e-4*(1+difference))
			sum += whole[i] * times[i].Mean
		}
		later, _ := d.At(shares, at*(1+1e-4))
		before, _ := d.At(shares, at*(1-1e-4))
		near(t, "density", density*at, (later-before)/2e-4, 1e-5)
		for i := range times {
			times[i].Shift = 0
		}
		d = bind(t, times, patterns...)
		at, sum = d.Quantile(shares, 0.9, 0), 0
		for i, slope := range d.QuantileSlopes(shares, at) {
			sum += slope * times[i].Mean
		}
		near(t, "sum of slopes times means", sum/at, 1, 1e-5)
	}
}

// Monte Carlo: a way of its own to the same number. 200,000 requests: a standard error of 0.0011 at most, of which 4.5 are allowed.
func TestMonteCarlo(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	patterns, times, _ := random(rng)
	d := bind(t, times, patterns...)
	for i := range patterns {
		shares := make([]float64, len(patterns))
		shares[i] = 1
		at := d.Quantile(shares, 0.95, 0)
		within := 0
		const requests = 200_000
		for range requests {
			if draw(rng, &patterns[i], times) <= at {
				within++
			}
		}
		near(t, "share within the 95th percentile", float64(within)/requests, 0.95, 4.5*0.00049)
	}
}

// draw is the time of one request.
func draw(rng *rand.Rand, p *Part, times []Time) (sum float64) {
	if p.Calls > 0 {
		x := times[p.Service]
		if p.Alike {
			return p.Calls * (x.Shift + x.Mean/x.Shape*gamma(rng, x.Shape))
		}
		return p.Calls*x.Shift + x.Mean/x.Shape*gamma(rng, p.Calls*x.Shape)
	}
	for i := range p.Series {
		sum += draw(rng, &p.Series[i], times)
	}
	for i := range p.Parallel {
		sum = max(sum, draw(rng, &p.Parallel[i], times))
	}
	return sum
}

// gamma draws by Marsaglia and Tsang's method.
func gamma(rng *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(rng, shape+1) * math.Pow(rng.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	for {
		x := rng.NormFloat64()
		v := 1 + x/math.Sqrt(9*d)
		if v = v * v * v; v > 0 && math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// Narrow distributions: 400, 3,600 and 10,000 calls of exponential times, 5, 1.7 and 1 % wide, against the Gamma distribution that they
// are.
func TestNarrow(t *testing.T) {
	for _, calls := range []float64{400, 3600, 10_000} {
		times := []Time{{Mean: 1 / calls, Shape: 1}, {Mean: 1 / calls, Shape: 1}}
		d := bind(t, times, Part{Series: []Part{call(0, calls/4), call(1, calls*3/4)}})
		for _, z := range []float64{-2, 0, 1, 2.5} {
			at := 1 + z/math.Sqrt(calls)
			near(t, "share", d.CDF(0, at), mathext.GammaIncReg(calls, at*calls), 1e-6)
		}
	}
}

// No variable time, none in a branch, patterns without any: jumps.
func TestConstant(t *testing.T) {
	times := []Time{{Shift: 1, Shape: 1}, {Shift: 0.5, Mean: 1, Shape: 1}}
	d := bind(t, times, call(0, 2), Part{Parallel: []Part{call(0, 1), call(1, 1)}}, call(1, 1))
	near(t, "before", d.CDF(0, 1.999), 0, 0)
	near(t, "after", d.CDF(0, 2), 1, 0)
	near(t, "quantile", d.Quantile([]float64{1, 0, 0}, 0.9, 0), 2, 0)
	near(t, "parallel", d.CDF(1, 1.5), 1-math.Exp(-1), 1e-12)
	near(t, "quantile at the jump", d.Quantile([]float64{0.5, 0, 0.5}, 0.7, 0), 2, 1e-9)
}

func TestErrors(t *testing.T) {
	deep := call(0, 1)
	for range 20 {
		deep = Part{Series: []Part{deep}}
	}
	for want, p := range map[string]Part{
		"exactly one of the three": {},
		"in series and 1 in par":   {Series: []Part{call(0, 1)}, Parallel: []Part{call(0, 1)}},
		"part of service 2":        call(2, 1),
		"-1 calls":                 call(1, -1),
		"NaN calls":                call(1, math.NaN()),
		"levels":                   deep,
	} {
		if _, err := New([]Part{call(0, 1), p}, 2); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "pattern 1") {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
	g, err := New([]Part{call(0, 1)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]Time{nil, {{Mean: -1, Shape: 1}}, {{Mean: 1}}, {{Mean: math.Inf(1), Shape: 1}}, {{Mean: math.NaN(), Shape: 1}}} {
		if _, err := g.Bind(bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}
