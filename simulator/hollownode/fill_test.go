package hollownode

import "testing"

func TestFillingBounds(t *testing.T) {
	for _, f := range []Filling{{Low: 0.9, High: 0.9}, {High: 1.1}, {Low: -1}, {Period: -1}} {
		if _, err := f.withDefaults(nil); err == nil {
			t.Errorf("%+v: no error", f)
		}
	}
}
