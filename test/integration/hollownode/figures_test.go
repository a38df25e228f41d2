package hollownode_test

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	otlp "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/test/component"
)

// scrape reads the node's metrics from the port that its status gives. A busy machine may fail to answer once.
func (s *suite) scrape(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	var body string
	component.Eventually(t, soon, func() string {
		object, err := s.client.CoreV1().Nodes().Get(t.Context(), node, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		port := object.Status.DaemonEndpoints.KubeletEndpoint.Port
		if int(port) != s.nodes.Ports()[node] {
			t.Fatalf("the node's status gives port %d, the endpoint has %d", port, s.nodes.Ports()[node])
		}
		body, err = component.Get(t.Context(), component.Insecure(&tls.Config{}), fmt.Sprintf("https://127.0.0.1:%d/metrics/resource", port))
		if err != nil {
			return err.Error()
		}
		return ""
	})
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// running scrapes while the clock runs, and says by how much it had been put back when the figures were taken.
func (s *suite) running(t *testing.T) (families map[string]*dto.MetricFamily, slipped time.Duration) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		slipped = s.nodes.Status().Slipped
		families = s.scrape(t)
		if now := s.nodes.Status().Slipped; now != slipped {
			return fmt.Sprintf("the clock was put back by %v during the scrape: the machine is too slow", now-slipped)
		}
		return ""
	})
	return families, slipped
}

// sample returns the value and the time in seconds of the sample of a pod, of the node for the empty name.
func sample(t *testing.T, families map[string]*dto.MetricFamily, name, pod string) (value, at float64) {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["pod"] == pod {
			if container, ok := labels["container"]; ok && container != "main" || pod != "" && labels["namespace"] != namespace {
				t.Errorf("labels of %s are %v", name, labels)
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue(), float64(m.GetTimestampMs()) / 1000
		}
	}
	t.Fatalf("there is no %s of pod %q in %v", name, pod, families)
	return 0, 0
}

// reading is a scrape and what the plant says at the same time, CPU in core-seconds.
type reading struct{ app, batch, node, at, plantAt, plantApp, plantBatch float64 }

// read scrapes with the plant standing still.
func (s *suite) read(t *testing.T) (r reading) {
	t.Helper()
	s.nodes.Pause()
	defer s.nodes.Resume()
	families := s.scrape(t)
	for _, pod := range []string{"web-0", "web-1", "store-0"} {
		used, at := sample(t, families, "container_cpu_usage_seconds_total", pod)
		if ofPod, _ := sample(t, families, "pod_cpu_usage_seconds_total", pod); used != ofPod {
			t.Errorf("pod %s has used %v s, its container %v", pod, ofPod, used)
		}
		r.app, r.at = r.app+used, at
	}
	r.batch, _ = sample(t, families, "container_cpu_usage_seconds_total", "batch-0")
	r.node, _ = sample(t, families, "node_cpu_usage_seconds_total", "")
	for _, name := range []string{"container_memory_working_set_bytes", "pod_memory_working_set_bytes"} {
		if web, _ := sample(t, families, name, "web-0"); web < 100<<20 || web > 200<<20 {
			t.Errorf("%s is %v, expected 100 MiB and a little by load", name, web)
		}
	}
	if started, at := sample(t, families, "container_start_time_seconds", "web-1"); started <= 0 || at != 0 || started > r.at {
		t.Errorf("web-1 was started at %v (time stamp %v), the figures are of %v", started, at, r.at)
	}
	total := s.nodes.Series().Total
	r.plantAt, r.plantApp, r.plantBatch = total.End, total.UsedCores*total.End, total.BatchUsedCores*total.End
	return r
}

// testMetrics: CPU seconds exported × speedup are the plant's, and rates between two scrapes are cores.
func testMetrics(t *testing.T, s *suite) {
	a := s.read(t)
	first, early := s.running(t)
	component.Eventually(t, soon, func() string {
		if s.nodes.Status().PlantSeconds < a.plantAt+40 {
			return "the clock does not run"
		}
		return ""
	})
	last, late := s.running(t)
	b := s.read(t)
	near := func(what string, got, want, tolerance float64) {
		t.Helper()
		if math.Abs(got-want) > tolerance {
			t.Errorf("%s is %v, expected %v", what, got, want)
		}
	}
	const rounding = 1e-6
	near("CPU time of the application", (b.app-a.app)*speedup, b.plantApp-a.plantApp, rounding)
	near("CPU time of batch", (b.batch-a.batch)*speedup, b.plantBatch-a.plantBatch, rounding)
	near("CPU time of the node", b.node-a.node, b.app+b.batch-a.app-a.batch, rounding)
	rate := func(name, pod string) float64 {
		v, at := sample(t, first, name, pod)
		w, until := sample(t, last, name, pod)
		return (w - v) / (until - at - (late - early).Seconds()) // while the clock was put back no CPU was used
	}
	// The node is work-conserving and batch always wants more: all 4 cores are busy, to the millisecond of the time stamps in 2 s. The
	// store uses 40 × 10 ms = 0.4 cores, with a standard deviation of √(2 × 40/40) × 0.01 = 0.014 over 40 s of Poisson arrivals.
	near("cores of the node", rate("node_cpu_usage_seconds_total", ""), 4, 0.01)
	near("cores of the store", rate("container_cpu_usage_seconds_total", "store-0"), 0.4, 0.08)
}

// testTelemetry: the last histogram has as many calls as the plant has answered, and spans are trees of the right shape.
func testTelemetry(t *testing.T, s *suite) {
	s.nodes.Pause()
	defer s.nodes.Resume()
	o := s.nodes.Series().Total.Operations[0]
	points := map[string]*otlp.ExponentialHistogramDataPoint{}
	component.Eventually(t, soon, func() string {
		requests, _ := s.receiver.received(t)
		if len(requests) == 0 {
			return "no metrics have come"
		}
		for _, r := range requests[len(requests)-1].GetResourceMetrics() {
			of := text(r.GetResource().GetAttributes())
			metric := r.GetScopeMetrics()[0].GetMetrics()[0]
			if metric.GetName() != "traces.span.metrics.duration" || metric.GetUnit() != "s" || of["k8s.namespace.name"] != namespace {
				t.Fatalf("metric %q in %q of %v", metric.GetName(), metric.GetUnit(), of)
			}
			for _, p := range metric.GetExponentialHistogram().GetDataPoints() {
				a := text(p.GetAttributes())
				if a["span.kind"] != "SPAN_KIND_SERVER" || a["service.name"] != of["service.name"] {
					t.Fatalf("attributes are %v of %v", a, of)
				}
				if a["status.code"] == "STATUS_CODE_ERROR" {
					if p.GetCount() != 0 {
						t.Fatalf("%d calls have failed: %v", p.GetCount(), a)
					}
					continue
				}
				points[of["service.name"]+" "+a["span.name"]] = p
			}
		}
		p := points["web GET /page"]
		// A request that the server has answered may be on its way back to the client: at most a handful.
		if p.GetCount() < o.Succeeded || p.GetCount() > o.Succeeded+10 {
			return fmt.Sprintf("the root has %d calls, the plant has answered %d requests", p.GetCount(), o.Succeeded)
		}
		return ""
	})
	p := points["web GET /page"]
	if p.GetTimeUnixNano() <= p.GetStartTimeUnixNano() || len(points) != 2 {
		t.Errorf("times are %d to %d, and there are %d points: expected 2", p.GetStartTimeUnixNano(), p.GetTimeUnixNano(), len(points))
	}
	// The client waits for the network too, 1 ms. Durations over five to ten octaves have buckets that are 4.4 % wide, the plant's own 1.6 %.
	if got, want := quantile(p, 0.9)*speedup, o.Latency.Quantile(0.9)-0.001; math.Abs(got/want-1) > 0.06 {
		t.Errorf("90 %% of the root's calls took up to %v s, by the plant %v", got, want)
	}
	if got, want := p.GetSum()/float64(p.GetCount())*speedup, o.Latency.Mean()-0.001; math.Abs(got/want-1) > 0.03 {
		t.Errorf("the root's calls took %v s in the mean, by the plant %v", got, want)
	}
	checkSpans(t, s, o)
}

// quantile is the upper end of the bucket in which a quantile lies.
func quantile(p *otlp.ExponentialHistogramDataPoint, q float64) float64 {
	var seen uint64
	for i, n := range p.GetPositive().GetBucketCounts() {
		if seen += n; float64(seen) >= q*float64(p.GetCount()) {
			return math.Exp2(float64(int(p.GetPositive().GetOffset())+i+1) * math.Exp2(-float64(p.GetScale())))
		}
	}
	return math.NaN()
}

// known is a span as received, and of which service.
type known struct {
	*trace.Span
	service string
}

// spans returns what has been received, by identifiers.
func (s *suite) spans(t *testing.T) map[string]known {
	t.Helper()
	_, requests := s.receiver.received(t)
	out := map[string]known{}
	for _, request := range requests {
		for _, r := range request.GetResourceSpans() {
			of := text(r.GetResource().GetAttributes())
			if of["k8s.namespace.name"] != namespace || of["k8s.pod.uid"] == "" || !strings.HasPrefix(of["k8s.pod.name"], of["service.name"]+"-") {
				t.Fatalf("resource is %v", of)
			}
			for _, span := range r.GetScopeSpans()[0].GetSpans() {
				out[string(span.GetTraceId())+string(span.GetSpanId())] = known{span, of["service.name"]}
			}
		}
	}
	return out
}

// sampled checks identifiers and trace state of a span: a quarter is sampled, so the random bits are at least 0.75 × 2^56.
func sampled(t *testing.T, span *trace.Span) {
	t.Helper()
	random, err := strconv.ParseUint(hex.EncodeToString(span.GetTraceId())[16:], 16, 64)
	if err != nil || len(span.GetTraceId()) != 16 || len(span.GetSpanId()) != 8 || span.GetKind() != trace.Span_SPAN_KIND_SERVER {
		t.Fatalf("span is %v (%v)", span, err)
	}
	if span.GetTraceState() != "ot=th:c" || random < 0xc0000000000000 {
		t.Fatalf("trace state is %q, random bits %x", span.GetTraceState(), random)
	}
}

func checkSpans(t *testing.T, s *suite, o hollownode.Operation) {
	t.Helper()
	spans := s.spans(t)
	roots, children := 0, 0
	for _, span := range spans {
		sampled(t, span.Span)
		if len(span.GetParentSpanId()) == 0 {
			roots++
			continue
		}
		parent, ok := spans[string(span.GetTraceId())+string(span.GetParentSpanId())]
		if !ok {
			continue // on its way
		}
		children++
		if parent.service != "web" || span.service != "store" || parent.GetStartTimeUnixNano() > span.GetStartTimeUnixNano() ||
			parent.GetEndTimeUnixNano() < span.GetEndTimeUnixNano() {
			t.Fatalf("%v of %s is not inside its parent %v", span, span.service, parent)
		}
	}
	// A quarter of n requests, four standard deviations √(n × 0.25 × 0.75) around it.
	n := float64(o.Succeeded)
	if math.Abs(float64(roots)-n/4) > 4*math.Sqrt(n*0.1875)+10 || children < roots-10 {
		t.Errorf("%d roots and %d children of %v requests, expected a quarter", roots, children, n)
	}
	if st := s.nodes.Status(); st.SendFailures != 0 || st.SpansDropped != 0 || st.SpansSent < uint64(roots) {
		t.Errorf("status is %+v, expected all spans sent", st)
	}
}

// testRights: the user of the hollow node can do nothing beyond its roles.
func testRights(t *testing.T, s *suite) {
	for _, c := range []struct {
		user, verb, resource, sub, namespace string
		allowed                              bool
	}{
		{kubelet, "patch", "pods", "status", namespace, true},
		{kubelet, "patch", "pods", "status", bystander, false},
		{kubelet, "list", "pods", "", bystander, false},
		{kubelet, "delete", "pods", "", bystander, false},
		{kubelet, "create", "pods", "", namespace, false},
		{kubelet, "patch", "pods", "", namespace, false},
		{kubelet, "patch", "pods", "resize", namespace, false},
		{kubelet, "get", "secrets", "", namespace, false},
		{kubelet, "patch", "nodes", "", "", false},
		{owner, "patch", "pods", "resize", namespace, true},
		{owner, "patch", "pods", "resize", bystander, false},
		{owner, "patch", "pods", "", namespace, false},
		{owner, "get", "pods", "", namespace, false},
	} {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: c.user,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: c.verb, Resource: c.resource, Subresource: c.sub, Namespace: c.namespace,
			},
		}}
		answer, err := s.client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status.Allowed != c.allowed {
			t.Errorf("%+v: allowed is %v", c, answer.Status.Allowed)
		}
	}
}

// testSeries: a minute of the plant is 3 s here. Minutes follow each other and add up.
func testSeries(t *testing.T, s *suite) {
	component.Eventually(t, soon, func() string {
		if len(s.nodes.Series().Minutes) < 2 {
			return "two minutes of the plant have not passed"
		}
		return ""
	})
	series := s.nodes.Series()
	var requests uint64
	var core float64
	for i, m := range series.Minutes {
		if m.Begin != float64(60*i) || m.End != m.Begin+60 {
			t.Errorf("minute %d is from %v to %v", i, m.Begin, m.End)
		}
		requests += m.Operations[0].Requests
		core += m.UsedCores * 60
	}
	total, last := series.Total, series.Minutes[len(series.Minutes)-1].End
	if total.Operations[0].Requests < requests || total.End < last || total.UsedCores*total.End < core-1e-6 {
		t.Errorf("total is %+v, the minutes have %d requests and %v core-seconds", total, requests, core)
	}
	first := series.Minutes[0].Operations[0]
	if r := float64(first.Requests); math.Abs(r-60*rate) > 5*math.Sqrt(60*rate) || first.P99 <= first.Median || first.Attainment() < 0.5 {
		t.Errorf("the first minute is %+v, expected %d requests", first, 60*rate)
	}
	if st := s.nodes.Status(); st.Slipped > 0 {
		t.Logf("the machine was too slow by %v", st.Slipped)
	}
}
