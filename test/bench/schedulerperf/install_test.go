package schedulerperf

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/test/utils/ktesting"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/manifests"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// The training data of the model: mixes of up to so many containers of so many classes, as long as a model keeps measured mixes at all.
const (
	classes      = interference.MaxClasses
	trainedMixes = interference.MaxMixes
	largestMix   = 14
)

// modelOf200 is a model of the most classes that there may be, fitted on drawn mixes: each class slows every other by a factor of its own
// for each unit, of 0.9 to 1, measured with 3 % of noise.
var modelOf200 = sync.OnceValues(func() (*interference.Model, error) {
	rng := rand.New(rand.NewPCG(200, 1))
	var effect [classes][classes]float64
	for t := range classes {
		for j := range classes {
			effect[t][j] = -0.1 * rng.Float64()
		}
	}
	var header, rows strings.Builder
	for class := range classes {
		fmt.Fprintf(&header, ",n_class-%d,perf_class-%d", class, class)
	}
	for range trainedMixes {
		var mix [classes]int
		for range 1 + rng.IntN(largestMix) {
			mix[rng.IntN(classes)]++
		}
		var row strings.Builder
		for t, units := range mix {
			if units == 0 {
				row.WriteString(",0,")
				continue
			}
			ln := -effect[t][t] + 0.03*rng.NormFloat64() // a container is not its own neighbour
			for j, neighbours := range mix {
				ln += float64(neighbours) * effect[t][j]
			}
			row.WriteString("," + strconv.Itoa(units) + "," + strconv.FormatFloat(math.Exp(ln), 'g', -1, 64))
		}
		rows.WriteString(row.String()[1:] + "\n")
	}
	table, err := interference.ReadMixes("drawn", strings.NewReader(header.String()[1:]+"\n"+rows.String()))
	if err != nil {
		return nil, err
	}
	ds, err := interference.Pool(table)
	if err != nil {
		return nil, err
	}
	return interference.Fit(ds, "drawn")
})

// seen bounds how long the plugin may take to notice the model: it looks for a missing type every 3 seconds.
const seen = 30 * time.Second

// prepare installs Ballast's type and the model, for either profile, so that the API servers are alike, and waits until the plugin, where it is
// in the profile, decides by the model.
func (a *arm) prepare(tCtx ktesting.TContext) error {
	im, err := v1alpha1.NewInterferenceModel("default", a.model, metav1.Now())
	if err != nil {
		return err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(im)
	if err != nil {
		return fmt.Errorf("encoding the model: %w", err)
	}
	text, err := manifests.FS.ReadFile("crd/ballast.dev_interferencemodels.yaml")
	if err != nil {
		return err
	}
	crd := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(text, &crd.Object); err != nil {
		return fmt.Errorf("reading the CRD: %w", err)
	}
	types := tCtx.Dynamic().Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if _, err := types.Create(tCtx, crd, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("installing the CRD: %w", err)
	}
	models := tCtx.Dynamic().Resource(v1alpha1.InterferenceModels)
	if err := until(tCtx, func() error {
		_, err := models.Create(tCtx, &unstructured.Unstructured{Object: content}, metav1.CreateOptions{})
		return err // the type is not served at once
	}); err != nil {
		return fmt.Errorf("publishing the model: %w", err)
	}
	if a.profile != ballast {
		return nil
	}
	return until(tCtx, a.seeing)
}

// seeing returns nil once the plugin decides by the model.
func (a *arm) seeing() error {
	samples, err := a.samples()
	if err != nil {
		return err
	}
	if samples["model_updates_total accepted"] != 1 || samples["mode active"] != 1 || samples["blind no_model"] != 0 {
		return fmt.Errorf("InterferenceFit does not decide by the model: %v", samples)
	}
	return nil
}

// until tries until it works.
func until(tCtx ktesting.TContext, try func() error) error {
	var err error
	for end := time.Now().Add(seen); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err = try(); err == nil {
			return nil
		}
		if tCtx.Err() != nil {
			return errors.Join(err, tCtx.Err())
		}
	}
	return err
}
