package v1alpha1

import (
	"fmt"
	"testing"
)

func TestParseMode(t *testing.T) {
	for text, want := range map[string]Mode{"": Active, "active": Active, "shadow": Shadow, "off": Off} {
		got, err := ParseMode(text)
		if got != want || err != nil {
			t.Errorf("ParseMode(%q) is %q, %v, want %q", text, got, err, want)
		}
		if text != "" && fmt.Sprint(got) != text {
			t.Errorf("mode %q is shown as %v", text, got)
		}
	}
	for _, text := range []string{"Off", "on", " shadow", "active\n"} {
		got, err := ParseMode(text)
		want := fmt.Sprintf("key \"mode\" is %q, expected active, shadow or off", text)
		if got != "" || err == nil || err.Error() != want {
			t.Errorf("ParseMode(%q) is %q, %v, want no mode and %q", text, got, err, want)
		}
	}
}
