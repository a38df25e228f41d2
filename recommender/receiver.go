package recommender

import (
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/telemetry"
)

// receiver takes the applications' telemetry while this replica leads. Another answers 503 and closes the connection, so that the
// sender's next try, on another connection, may reach the leader: what one replica holds is of no use to the others.
type receiver struct {
	store   *telemetry.Store
	handler http.Handler
	leads   atomic.Bool
}

// retryAfter is in seconds. Senders wait a few seconds by themselves; OpenTelemetry's Collector takes the longer one.
const retryAfter = "1"

// newReceiver returns a receiver without a store if there is none to be.
func newReceiver(t Telemetry, registry prometheus.Registerer) *receiver {
	if t.Port == 0 {
		return &receiver{}
	}
	store := telemetry.NewStore(clock.RealClock{}, telemetry.DefaultLimits())
	registry.MustRegister(store.Collectors()...)
	return &receiver{store: store, handler: store.Handler()}
}

// open begins to take telemetry. What was counted while another replica led is not ours.
func (r *receiver) open() {
	if r.store != nil {
		r.store.Open()
	}
	r.leads.Store(true)
}

// source is where windows come from; nil if nothing is received.
func (r *receiver) source() objectives.Telemetry {
	if r.store == nil {
		return nil
	}
	return r.store
}

// ServeHTTP passes on what the leader gets.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if !r.leads.Load() {
		w.Header().Set("Retry-After", retryAfter)
		w.Header().Set("Connection", "close")
		http.Error(w, "this replica does not lead: try again on another connection", http.StatusServiceUnavailable)
		return
	}
	r.handler.ServeHTTP(w, request)
}
