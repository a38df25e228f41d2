package rates_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/rates"
)

// In 2 s: 3·10^9 cycles for 2·10^9 instructions make 1.5; 4·10^6 misses in 2·10^6 thousand make 2; 10^9 stalls make 500; 1 s of CPU makes
// 0.5 cores and 3·10^9 Hz; 0.2 s waited of 1 s run make 0.2; 5 of 20 periods make 0.25; 4·10^9 bytes make 2000 MB/s.
func TestRatesByHand(t *testing.T) {
	t.Parallel()
	before := rates.Totals{
		Cycles: new(uint64(7)), Instructions: new(uint64(5)), Misses: new(uint64(0)), StallCycles: new(uint64(9)), CPU: new(time.Minute), Ran: new(time.Minute),
		Waited: new(time.Second), Pressure: new(time.Hour), Periods: new(uint64(100)), Stopped: new(uint64(50)), Bytes: new(uint64(1)),
	}
	after := rates.Totals{
		Cycles: new(uint64(3e9 + 7)), Instructions: new(uint64(2e9 + 5)), Misses: new(uint64(4e6)), StallCycles: new(uint64(1e9 + 9)), CPU: new(61 * time.Second),
		Ran: new(61 * time.Second), Waited: new(1200 * time.Millisecond), Pressure: new(time.Hour + 500*time.Millisecond), Periods: new(uint64(120)),
		Stopped: new(uint64(55)), Bytes: new(uint64(4e9 + 1)),
	}
	got, backward := rates.Between(before, after, 2*time.Second)
	want := rates.Reading{
		Domain: rates.AnyDomain, Cores: new(0.5), CPI: new(1.5), MPKI: new(2.0), MSPKI: new(500.0), Hertz: new(3e9), Delay: new(0.2), Pressure: new(0.25),
		Throttled: new(0.25), MBps: new(2000.0),
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(b) })
	if diff := cmp.Diff(want, got, near); diff != "" || backward != 0 {
		t.Errorf("%d went backward; %s", backward, diff)
	}

	got, backward = rates.Between(after, before, 2*time.Second)
	if diff := cmp.Diff(rates.Reading{Domain: rates.AnyDomain}, got); diff != "" || backward != 11 {
		t.Errorf("%d counters of 11 went backward; %s", backward, diff)
	}
	got, backward = rates.Between(before, rates.Totals{CPU: new(61 * time.Second)}, 2*time.Second)
	if diff := cmp.Diff(rates.Reading{Domain: rates.AnyDomain, Cores: new(0.5)}, got, near); diff != "" || backward != 0 {
		t.Errorf("what is missing is not 0: %s", diff)
	}
	if got, _ = rates.Between(before, after, 0); got.Cores != nil {
		t.Errorf("no time went by: %+v", got)
	}
	if got, _ = rates.Between(before, before, time.Second); got.CPI != nil || got.Delay != nil || *got.Cores != 0 {
		t.Errorf("nothing ran: %+v", got)
	}
}
