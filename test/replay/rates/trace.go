package rates

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/simulator/hotel"
)

const (
	daySeconds  = 86_400
	hourSeconds = 3_600
	minute      = 60
)

// Trace is the rate of requests of the whole application, for each second.
type Trace struct {
	Name      string
	PerSecond []float64
	Sources   []string // files and their hashes
}

// PerMinute returns the mean rate of each minute.
func (t *Trace) PerMinute() []float64 {
	out := make([]float64, len(t.PerSecond)/minute)
	for i := range out {
		out[i] = Mean(t.PerSecond[i*minute : (i+1)*minute])
	}
	return out
}

// New makes a trace by name: diurnal, nasa or constant, from the published ones below the folder data, or synthetic, which needs
// none.
func New(name, data string, days int, seed uint64) (*Trace, error) {
	switch name {
	case "synthetic":
		return Synthetic(days, seed, 0), nil
	case "constant":
		return &Trace{Name: name, PerSecond: shaped([]float64{1}, []float64{1}, days, seed)}, nil
	}
	noise, noiseSource, err := numbers(data, "rates", "autothrottle", "noisy.txt")
	if err != nil {
		return nil, err
	}
	noise = overMoving(noise, 300) // what is left is its fine structure
	switch name {
	case "diurnal":
		day, source, err := numbers(data, "rates", "autothrottle", "diurnal.txt")
		if err != nil {
			return nil, err
		}
		return &Trace{name, shaped(overMean(day), noise, days, seed), []string{source, noiseSource}}, nil
	case "nasa":
		minutes, source, err := numbers(data, "rates", "nasa", "nasa_per_minute_days01-28.txt.gz")
		if err != nil {
			return nil, err
		}
		perSecond, err := recorded(minutes, noise, days, seed)
		return &Trace{name, perSecond, []string{source, noiseSource}}, err
	}
	return nil, fmt.Errorf("trace is %q, expected diurnal, nasa, constant or synthetic", name)
}

// Synthetic is a trace that needs no file: a day of 24 values around 1, a sine of 0.4 that begins some hours after its mean, with an
// autoregressive fine structure.
func Synthetic(days int, seed uint64, begins int) *Trace {
	day := syntheticDay()
	day = append(day[begins:], day[:begins]...)
	return &Trace{Name: "synthetic", PerSecond: shaped(day, syntheticNoise(), days, seed)}
}

// shaped repeats a day's shape of mean 1, stretched to 24 h, with fine structure on top. The seed moves the day's beginning (but seed
// 1), the level of each day (log-normal, 5 %) and the place in the fine structure, anew each hour.
func shaped(day, noise []float64, days int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0x7261)) //nolint:gosec // a simulation
	shift := rng.IntN(daySeconds)
	if seed == 1 {
		shift = 0
	}
	out := make([]float64, days*daySeconds)
	var level float64
	var offset int
	for i := range out {
		if i%daySeconds == 0 && len(day) > 1 {
			level = 0.05 * rng.NormFloat64()
		}
		if i%hourSeconds == 0 {
			offset = rng.IntN(len(noise))
		}
		at := float64((i+shift)%daySeconds) / daySeconds * float64(len(day))
		out[i] = hotel.MeanRate * interpolate(day, at) * noise[(offset+i)%len(noise)] * math.Exp(level)
	}
	return out
}

// recorded takes consecutive days of a record of counts per minute from a day that the seed chooses. A count of some tens a minute is
// mostly its own noise, so the record is averaged over half an hour; the highest minute then gets 1.6 times the mean rate.
func recorded(perMinute, noise []float64, days int, seed uint64) ([]float64, error) {
	const dayMinutes = daySeconds / minute
	room := len(perMinute)/dayMinutes - days
	if room < 0 {
		return nil, fmt.Errorf("the record has %d days, expected at least %d", len(perMinute)/dayMinutes, days)
	}
	first := int(seed*5) % (room + 1) //nolint:gosec // small
	part := Moving(perMinute, 30)[first*dayMinutes : (first+days)*dayMinutes]
	var highest float64
	for _, x := range part {
		highest = max(highest, x)
	}
	rng := rand.New(rand.NewPCG(seed, 0x7262)) //nolint:gosec // a simulation
	out := make([]float64, days*daySeconds)
	var offset int
	for i := range out {
		if i%hourSeconds == 0 {
			offset = rng.IntN(len(noise))
		}
		out[i] = 1.6 * hotel.MeanRate / highest * interpolate(part, float64(i)/minute) * noise[(offset+i)%len(noise)]
	}
	return out, nil
}

func syntheticDay() []float64 {
	out := make([]float64, 24)
	for i := range out {
		out[i] = 1 + 0.4*math.Sin(2*math.Pi*float64(i)/24)
	}
	return out
}

// syntheticNoise is a first-order autoregressive walk around 1 with what was measured of noisy.txt over its moving mean of 300 s: a
// standard deviation of 13 %, and a correlation of 0.9 from one second to the next.
func syntheticNoise() []float64 {
	rng := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a simulation
	out := make([]float64, hourSeconds)
	const memory, deviation = 0.9, 0.13
	var x float64
	for i := range out {
		x = memory*x + deviation*math.Sqrt(1-memory*memory)*rng.NormFloat64()
		out[i] = math.Exp(x)
	}
	return out
}

// numbers reads a file of one number a line, packed if its name says so, and returns it with its name and hash.
func numbers(data string, path ...string) (values []float64, source string, err error) {
	name := strings.Join(path, "/")
	raw, err := os.ReadFile(filepath.Join(append([]string{data}, path...)...))
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w; set BALLAST_DATA to the folder that holds rates/, or use -trace synthetic", name, err)
	}
	sum := sha256.Sum256(raw)
	source = name + " sha256 " + hex.EncodeToString(sum[:6])
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, "", fmt.Errorf("reading %s: %w", name, err)
		}
		var plain bytes.Buffer
		if _, err := plain.ReadFrom(z); err != nil {
			return nil, "", fmt.Errorf("reading %s: %w", name, err)
		}
		raw = plain.Bytes()
	}
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x >= 0) || math.IsInf(x, 1) {
			return nil, "", fmt.Errorf("%s line %d is %q, expected a rate of at least 0", name, len(values)+1, text)
		}
		values = append(values, x)
	}
	if len(values) == 0 {
		return nil, "", fmt.Errorf("%s is empty, expected one rate a line", name)
	}
	return values, source, nil
}

// DataFolder is where the published data are: BALLAST_DATA, or shared/data beside the repository, from whichever folder of it.
func DataFolder() string {
	if root := os.Getenv("BALLAST_DATA"); root != "" {
		return root
	}
	beside := filepath.Join("..", "shared", "data")
	for root := beside; strings.Count(root, "..") < 6; root = filepath.Join("..", root) {
		if _, err := os.Stat(root); err == nil {
			return root
		}
	}
	return beside
}
