package recommender_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/transport"

	"github.com/ballast-k8s/ballast/test/component"
)

// chain are the services of namespace shop, each of which calls the next once; works are the CPU-seconds of a call. Processors are not
// short where they run, so a call takes its work.
var (
	chain = []string{"front", "search", "store"}
	works = []float64{0.002, 0.004, 0.003}
	// idle are workloads that no request touches: one of ours, and one of the stock recommender's.
	idle = []string{"quiet", "plain"}
)

const (
	shop      = "shop"
	operation = "GET /"
	rate      = 100 // requests a second
	tick      = 100 * time.Millisecond
)

// load is users of the shop: it sends spans of their requests to a replica, and keeps the usage of the pods up to date, until it is
// stopped.
type load struct {
	client *http.Client
	random *rand.Rand
	uids   map[string]string // of the pods, by service
	usage  string            // manifests, with the time left open

	stop context.CancelFunc
	over sync.WaitGroup
}

// newLoad looks up the pods.
func (s *suite) newLoad(t *testing.T) *load {
	t.Helper()
	l := &load{client: s.as(t, "observability", "otel-collector"), random: rand.New(rand.NewPCG(1, 2)), uids: map[string]string{}}
	var usage strings.Builder
	for _, name := range append(slices.Clone(chain), idle...) {
		work := 0.001
		if i := slices.Index(chain, name); i >= 0 {
			work = works[i]
		}
		component.Eventually(t, soon, func() string {
			pods, err := s.client.CoreV1().Pods(shop).List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
			if err != nil || len(pods.Items) != 1 || pods.Items[0].Status.Phase != "Running" {
				return fmt.Sprintf("%d pods of %s, error %v", len(pods.Items), name, err)
			}
			l.uids[name] = string(pods.Items[0].UID)
			fmt.Fprintf(&usage, "---\napiVersion: metrics.k8s.io/v1beta1\nkind: PodMetrics\nmetadata: {name: %s, namespace: %s}\ntimestamp: TIME\nwindow: 1s\n", pods.Items[0].Name, shop)
			fmt.Fprintf(&usage, "containers:\n- {name: app, usage: {cpu: %dm, memory: 100Mi}}\n", int(1000*rate*work))
			return ""
		})
	}
	l.usage = usage.String()
	return l
}

// as is a client of a ServiceAccount. The one of the Collector in the examples may send telemetry.
func (s *suite) as(t *testing.T, namespace, name string) *http.Client {
	t.Helper()
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := component.Client(config)
	if err != nil {
		t.Fatal(err)
	}
	if client.Transport, err = rest.HTTPWrappersForConfig(config, client.Transport); err != nil { // shows the token
		t.Fatal(err)
	}
	return client
}

// nobody is a client without an identity.
func nobody() *http.Client { return component.Insecure(&tls.Config{MinVersion: tls.VersionTLS12}) }

// withToken is a client that shows a token.
func withToken(token string) *http.Client {
	client := nobody()
	client.Transport = transport.NewBearerAuthRoundTripper(token, client.Transport)
	return client
}

// start sends to a replica.
func (l *load) start(t *testing.T, s *suite, to *replica) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context())) // subtests hand it on
	l.stop = stop
	l.over.Go(func() { l.each(ctx, tick, func() error { return l.send(ctx, to) }, t.Name()) })
	l.over.Go(func() { l.each(ctx, time.Second, func() error { return l.measure(ctx, s) }, t.Name()) })
}

// end stops sending.
func (l *load) end() {
	if l != nil && l.stop != nil {
		l.stop()
		l.over.Wait()
		l.stop = nil
	}
}

// each does it once a period. What fails is tried again; tests notice by what does not happen.
func (l *load) each(ctx context.Context, period time.Duration, do func() error, who string) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		if err := do(); err != nil && ctx.Err() == nil {
			fmt.Printf("load of %s: %v\n", who, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (l *load) measure(ctx context.Context, s *suite) error {
	return s.Apply(ctx, "usage", []byte(strings.ReplaceAll(l.usage, "TIME", time.Now().UTC().Format(`"2006-01-02T15:04:05Z"`))))
}

// send posts the requests that ended in the last tick.
func (l *load) send(ctx context.Context, to *replica) error {
	body, err := proto.Marshal(l.spans(time.Now(), rate*int(tick/time.Millisecond)/1000))
	if err != nil {
		return err
	}
	code, text, err := post(ctx, l.client, to.otlp+"/v1/traces", "application/x-protobuf", body)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("status %d: %s", code, text)
	}
	return err
}

// post returns the status and the body of the answer.
func post(ctx context.Context, client *http.Client, url, kind string, body []byte) (code int, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", kind)
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

// spans are n requests that ended before now: each service works for an exponential time, half of it before its call to the next.
func (l *load) spans(now time.Time, n int) *tracepb.TracesData {
	data := &tracepb.TracesData{}
	lists := make([][]*tracepb.Span, len(chain))
	for i := range n {
		end := now.Add(-time.Duration(i) * tick / time.Duration(n))
		trace := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, l.random.Uint64()), l.random.Uint64()|1)
		half := make([]time.Duration, len(chain))
		total := time.Duration(0)
		for k := range chain {
			half[k] = time.Duration(works[k] * l.random.ExpFloat64() / 2 * float64(time.Second))
			total += 2 * half[k]
		}
		begin := end.Add(-total)
		parent := []byte(nil)
		for k := range chain {
			id := binary.BigEndian.AppendUint64(nil, l.random.Uint64()|1)
			lists[k] = append(lists[k], &tracepb.Span{
				TraceId: trace, SpanId: id, ParentSpanId: parent, Name: operation, Kind: tracepb.Span_SPAN_KIND_SERVER,
				StartTimeUnixNano: uint64(begin.UnixNano()), EndTimeUnixNano: uint64(end.UnixNano()),
			})
			parent, begin, end = id, begin.Add(half[k]), end.Add(-half[k])
		}
	}
	for k, name := range chain {
		data.ResourceSpans = append(data.ResourceSpans, &tracepb.ResourceSpans{
			Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{
				attribute("service.name", "shop-"+name), attribute("k8s.namespace.name", shop), attribute("k8s.pod.uid", l.uids[name]),
			}},
			ScopeSpans: []*tracepb.ScopeSpans{{Spans: lists[k]}},
		})
	}
	return data
}

func attribute(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}
