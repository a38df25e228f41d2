package spanfile

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// probabilityKey is the attribute of spans with the probability of having been recorded.
	probabilityKey = "sampling.probability"
	// leastProbability bounds what is believed: a request in a thousand million.
	leastProbability = 1e-9
	// thresholdDigits is how many hexadecimal digits a threshold has, those at its end that are not there being zeros.
	thresholdDigits = 14
)

// Sampled is the share of requests that have spans, in (0, 1], by what the traces say of it: their number over the requests that they stand
// for (Weights). ok is false where none says anything. Traces that say nothing are not looked at.
func (s *Set) Sampled() (share float64, ok bool) {
	n, sum := 0.0, 0.0
	for _, w := range s.Weights {
		if w > 0 {
			n, sum = n+1, sum+w
		}
	}
	return n / max(sum, 1), n > 0
}

// believed is a probability, 0 where it is none.
func believed(p float64) float64 {
	if p >= leastProbability && p <= 1 {
		return p
	}
	return 0
}

// stateProbability is the probability in a W3C trace state, 0 where none stands there. OpenTelemetry's member of it, ot, has sub-keys, of
// which th is the threshold T in units of 2⁻⁵⁶ that a trace's random number reached: 1 − T/2⁵⁶ of them do
// (https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/).
func stateProbability(state string) float64 {
	for member := range strings.SplitSeq(state, ",") {
		value, ok := strings.CutPrefix(strings.TrimSpace(member), "ot=")
		if !ok {
			continue
		}
		for field := range strings.SplitSeq(value, ";") {
			digits, ok := strings.CutPrefix(field, "th:")
			if !ok || len(digits) > thresholdDigits {
				continue
			}
			threshold, err := strconv.ParseUint(digits, 16, 64)
			if err != nil {
				return 0
			}
			threshold <<= 4 * (thresholdDigits - len(digits))
			return believed(1 - math.Ldexp(float64(threshold), -4*thresholdDigits))
		}
	}
	return 0
}

// textProbability is a number that is written down, 0 where it is none.
func textProbability(text string) float64 {
	p, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return believed(p)
}

// jsonProbability is what the attributes of a span in JSON say; 0 = nothing. Other attributes are not kept, and need not be of any form.
type jsonProbability float64

// UnmarshalJSON implements json.Unmarshaler.
func (p *jsonProbability) UnmarshalJSON(data []byte) error {
	if !bytes.Contains(data, []byte(probabilityKey)) {
		return nil
	}
	var list []struct {
		Key   string                     `json:"key"`
		Value map[string]json.RawMessage `json:"value"`
	}
	if json.Unmarshal(data, &list) != nil {
		return nil //nolint:nilerr // no file is refused for an attribute
	}
	for _, a := range list {
		if a.Key == probabilityKey {
			for _, value := range a.Value { // the only one, by its type
				*p = jsonProbability(textProbability(strings.Trim(string(value), `"`)))
			}
		}
	}
	return nil
}

// protoProbability is what an attribute of a span in protobuf says; 0 = nothing.
func protoProbability(data []byte) (p float64, err error) {
	if !bytes.Contains(data, []byte(probabilityKey)) { // most are of something else
		return 0, nil
	}
	key := ""
	err = fields(data, func(number protowire.Number, _ uint64, value []byte) error {
		switch number {
		case keyValueKey:
			key = string(value)
		case keyValueValue:
			return fields(value, func(number protowire.Number, n uint64, value []byte) error {
				switch number {
				case anyValueString:
					p = textProbability(string(value))
				case anyValueInt:
					p = believed(float64(n))
				case anyValueDouble:
					p = believed(math.Float64frombits(n))
				}
				return nil
			})
		}
		return nil
	})
	if key != probabilityKey {
		p = 0
	}
	return p, err
}
