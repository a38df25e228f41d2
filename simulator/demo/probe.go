package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"
)

// probe asks a scheduler's secure port, as the administrator.
type probe struct {
	client *http.Client
	base   string
}

func newProbe(admin *rest.Config, port int) (*probe, error) {
	config := rest.CopyConfig(admin)
	config.CAData, config.CAFile, config.Insecure = nil, "", true // the scheduler's certificate is self-signed
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("preparing the scheduler's probe: %w", err)
	}
	return &probe{client: client, base: fmt.Sprintf("https://127.0.0.1:%d", port)}, nil
}

func (p *probe) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	const most = 16 << 20 // a scheduler's metrics are about 0.3 MB
	body, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s: %s", path, response.Status, bytes.TrimSpace(body))
	}
	return body, nil
}

// healthy says whether the scheduler answers.
func (p *probe) healthy(ctx context.Context) error {
	_, err := p.get(ctx, "/healthz")
	return err
}

// decides says whether ballast-scheduler is healthy, active and has a model: a comparison with a blind one would show nothing.
func (p *probe) decides(ctx context.Context) error {
	if err := p.healthy(ctx); err != nil {
		return err
	}
	families, err := p.metrics(ctx)
	if err != nil {
		return err
	}
	blind := families["scheduler_interferencefit_blind"].GetMetric()
	if len(blind) == 0 {
		return fmt.Errorf("InterferenceFit shows no metrics yet")
	}
	for _, m := range blind {
		if m.GetGauge().GetValue() != 0 {
			return fmt.Errorf("InterferenceFit is blind: %s", labelOf(m, "reason"))
		}
	}
	return nil
}

// scored is the number of pods that InterferenceFit placed by comparing nodes.
func (p *probe) scored(ctx context.Context) (int, error) {
	families, err := p.metrics(ctx)
	if err != nil {
		return 0, err
	}
	n := 0.0
	for _, m := range families["scheduler_interferencefit_decisions_total"].GetMetric() {
		if labelOf(m, "basis") == "scored" && labelOf(m, "mode") == "active" {
			n += m.GetCounter().GetValue()
		}
	}
	return int(n), nil
}

// decisionsPerSecond is one over the mean duration of the scheduling algorithm: filtering, scoring, choosing.
func (p *probe) decisionsPerSecond(ctx context.Context) (float64, error) {
	const name = "scheduler_scheduling_algorithm_duration_seconds"
	families, err := p.metrics(ctx)
	if err != nil {
		return 0, err
	}
	for _, m := range families[name].GetMetric() {
		if h := m.GetHistogram(); h.GetSampleSum() > 0 {
			return float64(h.GetSampleCount()) / h.GetSampleSum(), nil
		}
	}
	return 0, fmt.Errorf("the scheduler shows no %s", name)
}

func (p *probe) metrics(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	body, err := p.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("reading the scheduler's metrics: %w", err)
	}
	return families, nil
}

func labelOf(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
