package localcluster

import (
	"strings"
	"testing"
)

// TestNodeAddress refuses what nodes could not reach. What is accepted is used by the tests of real nodes.
func TestNodeAddress(t *testing.T) {
	for address, ok := range map[string]bool{"": true, "192.168.77.1": true, "fd00::1": false, "localhost": false, "192.168.77.1:443": false} {
		_, err := Config{ToolDir: "bin", NodeAddress: address}.withDefaults()
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "IPv4") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
