package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Format is the value of -o.
type Format struct {
	value   string
	allowed []string
}

// Register adds -o with the allowed values, the first being the default.
func (f *Format) Register(cmd *cobra.Command, allowed ...string) {
	f.value, f.allowed = allowed[0], allowed
	cmd.Flags().VarP(f, "output", "o", "output format: "+strings.Join(allowed, ", "))
}

// String implements pflag.Value: it is one of the allowed values.
func (f *Format) String() string { return f.value }

// Type implements pflag.Value.
func (f *Format) Type() string { return "format" }

// Set implements pflag.Value.
func (f *Format) Set(s string) error {
	if !slices.Contains(f.allowed, s) {
		return fmt.Errorf("expected one of %s", strings.Join(f.allowed, ", "))
	}
	f.value = s
	return nil
}

// JSON writes a value as indented JSON.
func JSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(value)
}

// Finite is a number for JSON, which has neither NaN nor infinity: nil for these.
func Finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// Tenths is a number of a table with one decimal, or a dash where it is not known.
func Tenths(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *x)
}

// Known is a number of a table, or a dash where 0 stands for not known.
func Known(x float64, decimals int) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", decimals, x)
}

// Milliseconds is a time in seconds as milliseconds for JSON; nil where it is not known.
func Milliseconds(seconds float64) *float64 { return Finite(1000 * seconds) }
