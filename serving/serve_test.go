package serving

import "testing"

// TestPortZero needs neither API server nor certificate. What is served otherwise is tested where there is a server to ask, in package
// recommender and under test/integration.
func TestPortZero(t *testing.T) {
	stopped, err := Serve(t.Context(), Endpoint{}, "no such file", nil)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-stopped:
	default:
		t.Error("something is served without a port")
	}
}
