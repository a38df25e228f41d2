package isolationfit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/component"
)

// create asks the API server whether it would take an object, with such a spec in YAML.
func (s *suite) create(t *testing.T, spec string) error {
	t.Helper()
	u := &unstructured.Unstructured{}
	text := fmt.Sprintf("apiVersion: %s\nkind: NodeIsolation\nmetadata: {name: tried}\nspec: %s\n", v1alpha1.SchemeGroupVersion, spec)
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return s.dryRun(t, u)
}

func (s *suite) dryRun(t *testing.T, u *unstructured.Unstructured) error {
	t.Helper()
	_, err := s.Objects.Resource(v1alpha1.NodeIsolations).Create(t.Context(), u, metav1.CreateOptions{
		DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict,
	})
	return err
}

// Partitions and set-points for specs.
const (
	latency = "{name: lc, role: Latency, members: [{namespace: shop}]}"
	batch   = "{name: be, role: Batch, members: [{qosClass: BestEffort}, {namespace: jobs}]}"
)

func member(text string) string { return "{partitions: [{name: lc, members: [" + text + "]}]}" }

func setPoint(text string) string { return "{control: {setPoints: [" + text + "]}}" }

// testRefusedSpecs asks for what the local loop cannot do; every answer says what to write instead.
func testRefusedSpecs(t *testing.T, s *suite) {
	const (
		oneBatch  = "only one partition may have role Batch"
		needBatch = "control.mode Act needs a partition of role Batch"
		share     = "at most 1000, such as 300 for 30 %"
		aPod      = "must be the name of a pod such as web-0, or what it begins with followed by *"
		aSpace    = "must be the whole name of a namespace"
	)
	for spec, want := range map[string]string{
		"{partitions: [" + batch + ", " + latency + ", {name: more, role: Batch}]}": oneBatch,
		"{partitions: [" + latency + "], control: {mode: Act}}":                     needBatch,
		"{control: {mode: Act, canary: true}}":                                      needBatch,
		"{partitions: [], control: {mode: Act}}":                                    needBatch,
		setPoint("{namespace: shop, signal: CPUPressure, milliTarget: 1001}"):       share,
		setPoint("{signal: CPI, milliTarget: 1500}"):                                "give qosClass, namespace or pod",
		setPoint("{pod: 'w*b', signal: CPI, milliTarget: 1500}"):                    aPod,
		setPoint("{namespace: 'shop*', signal: CPI, milliTarget: 1500}"):            aSpace,
		member("{pod: '*-web'}"):                                                    aPod,
		member("{pod: 'web-**'}"):                                                   aPod,
		member("{pod: Web-0}"):                                                      aPod,
		member("{pod: 'web-[0-9]'}"):                                                aPod,
		member("{pod: web-}"):                                                       aPod,
		member("{pod: ''}"):                                                         aPod,
		member("{namespace: ''}"):                                                   aSpace,
		member("{namespace: shop.eu}"):                                              aSpace,
		member("{pod: " + strings.Repeat("a", 254) + "}"):                           "Too long",
	} {
		if err := s.create(t, spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
}

// testAcceptedSpecs asks for what stands at the edges of the rules, and for the largest object that there can be: rules are bounded in what
// they cost, and the API server refuses what costs more.
func testAcceptedSpecs(t *testing.T, s *suite) {
	both := "partitions: [" + latency + ", " + batch + "]"
	specs := []string{
		"{}",
		"{" + both + "}",
		"{" + both + ", control: {mode: Act}}",
		"{" + both + ", control: {mode: Observe, eviction: LastStep, canary: true}}",
		"{" + both + ", control: {mode: Act, eviction: LastStep, canary: true}}", // canary's two partitions of role Latency: the status says
		"{partitions: [" + batch + "], control: {}}",
		"{control: {mode: Observe, canary: true, eviction: LastStep}}",
		setPoint("{namespace: shop, signal: CPUPressure, milliTarget: 1000}"),
		setPoint("{namespace: shop, signal: RunQueueDelay, milliTarget: 1001}"),
		setPoint("{pod: '*', signal: CPI, milliTarget: 1000000}"),
		member("{pod: 'web-*'}"),
		member("{pod: 'web*'}"),
		member("{pod: web-0.eu}"),
		member("{pod: a, namespace: b, qosClass: Burstable}"),
	}
	long, name := strings.Repeat("a", 252)+"*", strings.Repeat("b", 63)
	var partitions, setPoints, members []string
	for range 64 {
		members = append(members, fmt.Sprintf("{pod: '%s', namespace: %s, qosClass: BestEffort}", long, name))
	}
	for i := range 63 {
		partitions = append(partitions, fmt.Sprintf("{name: p%d, role: Latency, members: [%s]}", i, strings.Join(members, ", ")))
	}
	partitions[62] = strings.Replace(partitions[62], "Latency", "Batch", 1)
	for range 256 {
		setPoints = append(setPoints, fmt.Sprintf("{pod: '%s', namespace: %s, signal: CPUPressure, milliTarget: 1000}", long, name))
	}
	specs = append(specs, fmt.Sprintf("{partitions: [%s], control: {mode: Act, setPoints: [%s]}}",
		strings.Join(partitions, ", "), strings.Join(setPoints, ", ")))
	for _, spec := range specs {
		if err := s.create(t, spec); err != nil {
			t.Errorf("%.200s: %v", spec, err)
		}
	}
	examples, err := filepath.Glob(filepath.Join(component.Root, "manifests/examples/nodeisolation*.yaml"))
	if err != nil || len(examples) < 2 {
		t.Fatalf("examples are %v, %v", examples, err)
	}
	for _, file := range examples {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &u.Object); err != nil {
			t.Fatal(err)
		}
		if err := s.dryRun(t, u); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
