package localize

import (
	"math"
	"testing"
)

func TestSentence(t *testing.T) {
	nan := math.NaN()
	names := Names{Services: []string{"cartservice"}, Request: "POST /cart", Baseline: "in the hour before"}
	full := Evidence{
		TailShare: Figure{0.71, 0.0547}, Tail: Split{0.7, 0.01, 0}, Rise: Figure{0.2434, 0.0066}, RiseBy: Split{0.001, 0.2424, 0},
		P99: 0.4802, BaseP99: 0.0352, Usage: Usage{0.9, 0.4}, BaseUsage: Usage{0.1, 0.02},
	}
	faster := Evidence{TailShare: Figure{nan, nan}, Rise: Figure{-0.0042, 0.001}, RiseBy: Split{-0.0042, 0, 0}, P99: 12.34, BaseP99: nan, Usage: Usage{0.9, nan}, BaseUsage: Unmeasured()}
	alone := Evidence{TailShare: Figure{0.5, 0.1}, Tail: Split{0.1, 0.1, 0.3}, Rise: Figure{nan, nan}, P99: 1.234, BaseP99: nan, Usage: Unmeasured()}
	unseen := Evidence{TailShare: Figure{nan, nan}, Rise: Figure{nan, nan}, P99: nan, Usage: Unmeasured()}
	for _, test := range []struct {
		e    Evidence
		want string
	}{
		{full, "cartservice has 71 % (±9) of the tail of POST /cart and adds 243 ms (±11 ms) to the mean of 165 ms in the hour before, most of it on " +
			"the way to it (network, or waiting before it begins): p99 of a call 480 ms against 35 ms in the hour before; throttled in 40 % of " +
			"periods against 2 %."},
		{faster, "cartservice takes 4.2 ms (±1.6 ms) off the mean of 165 ms in the hour before: p99 of a call 12.3 s; 90 % of its CPU limit used."},
		{alone, "cartservice has 50 % (±16) of the tail of POST /cart, most of it in what its calls to others have in common (it is late to send " +
			"or to read): p99 of a call 1.23 s."},
		{unseen, "cartservice was not seen."},
	} {
		r := Report{Before: 0.165, Services: []Evidence{test.e}}
		if got := r.Sentence(0, names); got != test.want {
			t.Errorf("%s\nwant\n%s", got, test.want)
		}
	}
}
