package clitest

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// MixesFile writes all mixes of up to four containers of a and b under ln a = −0.1·u_a − 0.2·u_b, ln b = −0.05·u_a − 0.3·u_b.
func MixesFile(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("n_a,n_b,perf_a,perf_b\n")
	for a := range 5 {
		for c := range 5 - a {
			if a+c == 0 {
				continue
			}
			perf := func(n, other int, own, neighbour float64) string {
				if n == 0 {
					return ""
				}
				return strconv.FormatFloat(math.Exp(own*float64(n-1)+neighbour*float64(other)), 'f', 6, 64)
			}
			b.WriteString(strings.Join([]string{strconv.Itoa(a), strconv.Itoa(c), perf(a, c, -0.1, -0.2), perf(c, a, -0.3, -0.05)}, ",") + "\n")
		}
	}
	return WriteTemp(t, "mixes.csv", b.String())
}

// Model writes the model of the mixes of MixesFile, as `ballast interference fit` does.
func Model(t *testing.T) string {
	t.Helper()
	model, err := fit(MixesFile(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.json")
	if err := cli.WriteFile(path, model); err != nil {
		t.Fatal(err)
	}
	return path
}

func fit(mixes string) ([]byte, error) {
	table, err := cli.ReadMixes(mixes)
	if err != nil {
		return nil, err
	}
	ds, err := interference.Pool(table)
	if err != nil {
		return nil, err
	}
	model, err := interference.Fit(ds, filepath.Base(mixes))
	if err != nil {
		return nil, err
	}
	return interference.Encode(model.Document())
}
