package closedloop

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
)

// ReadLoad reads an hour of rates, one number a line, a line a second. The name says in errors and reports where they come from.
func ReadLoad(name string, r io.Reader) (Load, error) {
	load := Load{Source: name}
	lines := bufio.NewScanner(r)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(lines.Text())
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return Load{}, fmt.Errorf("%s:%d: %q is no number, expected a rate per second", name, number, text)
		}
		if load.PerSecond = append(load.PerSecond, rate); len(load.PerSecond) > hourMinutes*minuteSeconds {
			break // validate says what is wrong; the rest need not be read for that
		}
	}
	if err := lines.Err(); err != nil {
		return Load{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return load, load.validate()
}

// The published noisy trace (autothrottle, NSDI 2024) has a mean of 157.5 a second and a standard deviation of 29.9. Of its
// variance 0.45 is forgotten within seconds and the rest within tens of minutes: its autocorrelation is 0.95 after 1 s, 0.57 after
// 10 s, 0.48 after 60 s and 0.34 after 600 s.
const (
	generatedMean, generatedDeviation = hotel.MeanRate / hotel.RateMultiplier, 29.9
	quickShare                        = 0.45
	quickSeconds, slowSeconds         = 6.0, 1500.0
)

// GeneratedLoad is a trace like the published noisy one, for those who do not have that: the sum of two autoregressive processes of
// first order, then brought to exactly the published mean and deviation.
func GeneratedLoad(seed uint64) Load {
	rng := rand.New(rand.NewPCG(seed, 0x6c6f_6164)) //nolint:gosec // a simulation wants a seed, not secrecy
	quick, slow := rng.NormFloat64(), rng.NormFloat64()
	rates := make([]float64, hourMinutes*minuteSeconds)
	var sum, squares float64
	for i := range rates {
		quick, slow = step(quick, quickSeconds, rng), step(slow, slowSeconds, rng)
		rates[i] = math.Sqrt(quickShare)*quick + math.Sqrt(1-quickShare)*slow
		sum += rates[i]
		squares += rates[i] * rates[i]
	}
	n := float64(len(rates))
	mean := sum / n
	deviation := math.Sqrt(squares/n - mean*mean)
	for i, x := range rates {
		rates[i] = max(0, generatedMean+generatedDeviation*(x-mean)/deviation)
	}
	return Load{
		Source:    fmt.Sprintf("generated (seed %d) with mean and deviation of autothrottle's noisy trace", seed),
		PerSecond: rates,
	}
}

// step is a second of an autoregressive process of variance 1.
func step(x, memorySeconds float64, rng *rand.Rand) float64 {
	keep := math.Exp(-1 / memorySeconds)
	return keep*x + math.Sqrt(1-keep*keep)*rng.NormFloat64()
}

// rates is the load from the start of the clock: the hour's last minutes to warm up, then the hour.
func (l Load) rates() arrival.Rates {
	before := l.PerSecond[len(l.PerSecond)-WarmUpMinutes*minuteSeconds:]
	all := append(append([]float64{}, before...), l.PerSecond...)
	return arrival.Rates{StepSeconds: 1, PerSecond: all, Scale: hotel.RateMultiplier}
}

// mean is the trace's mean rate.
func (l Load) mean() float64 {
	var sum float64
	for _, r := range l.PerSecond {
		sum += r
	}
	return sum / float64(len(l.PerSecond))
}
