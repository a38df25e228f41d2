package counters

import "testing"

// FuzzThrottling: whatever stands in cpu.stat, the time that is taken from it is not negative.
func FuzzThrottling(f *testing.F) {
	for _, text := range v2Files {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if th := throttling(text, "throttled_usec", 1000); th != nil && th.Time < 0 {
			t.Errorf("%+v", *th)
		}
	})
}
