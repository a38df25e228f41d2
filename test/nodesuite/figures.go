package nodesuite

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

// ReaderClient returns a client that shows a reader's token to servers that sign their own certificates.
func ReaderClient(t *testing.T, cluster *localcluster.Cluster) *http.Client {
	t.Helper()
	kubeconfig, err := cluster.ServiceAccountKubeconfig(t.Context(), "default", "reader")
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
	if client.Transport, err = rest.HTTPWrappersForConfig(config, client.Transport); err != nil {
		t.Fatal(err)
	}
	return client
}

// Figures are what an agent's metrics say of a container: the series by name without the prefix that all have, with the values of the labels
// resource and kind, such as pressure_seconds_total/cpu/some.
type Figures = map[string]float64

// MetricsURL is where a ballast-node shows its metrics.
func MetricsURL(agent *v1.Pod) string {
	return fmt.Sprintf("https://%s:%d/metrics", agent.Status.PodIP, agentPort)
}

// Scrape reads an agent's metrics by pod, or says why it cannot.
func Scrape(t *testing.T, client *http.Client, agent *v1.Pod) (found map[string]Figures, problem string) {
	t.Helper()
	body, err := component.Get(t.Context(), client, MetricsURL(agent))
	if err != nil {
		return nil, err.Error()
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	found = map[string]Figures{}
	for family, metrics := range families {
		name, ours := strings.CutPrefix(family, "node_agent_container_")
		if !ours {
			continue
		}
		for _, metric := range metrics.GetMetric() {
			labels, full := map[string]string{}, []string{name}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			for _, label := range []string{"resource", "kind"} {
				if labels[label] != "" {
					full = append(full, labels[label])
				}
			}
			if found[labels["pod"]] == nil {
				found[labels["pod"]] = Figures{}
			}
			// One of the two values is not there, and 0.
			found[labels["pod"]][strings.Join(full, "/")] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return found, ""
}
