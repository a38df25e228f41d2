package pluginsuite

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/handmodel"
)

// ModelsPath is where an API server has the interference models, all that [Models] answers for.
const ModelsPath = "/apis/ballast.dev/v1alpha1/interferencemodels"

// Models is the part of the API server that serves interference models: lists of the one that is asked for by name, and watches that deliver its
// changes, also those since the list that a watch goes on from. It is a handler for [Serve], or behind one; its methods may be called at any time.
type Models struct {
	mu       sync.Mutex
	absent   bool // the CRD is not installed
	silent   bool
	version  int
	objects  map[string]*v1alpha1.InterferenceModel // by name; they do not change once they are here
	watchers map[chan metav1.WatchEvent]string      // by the name they watch
}

// NewModels returns the server of an installed CRD without objects.
func NewModels() *Models {
	return &Models{objects: map[string]*v1alpha1.InterferenceModel{}, watchers: map[chan metav1.WatchEvent]string{}}
}

// Serve serves the handler until the test ends, and returns how to reach it.
func Serve(t testing.TB, handler http.Handler) *rest.Config {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return &rest.Config{Host: s.URL, QPS: -1}
}

// SetInstalled says whether the CRD is installed. Without it, nothing is found.
func (s *Models) SetInstalled(installed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.absent = !installed
}

// Silence makes the server take requests from now on without answering them.
func (s *Models) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = true
}

// Publish stores a model of the given classes, made at that time, tells the watchers, and returns the object, which is not to be changed.
func (s *Models) Publish(t testing.TB, name string, at time.Time, classes ...handmodel.Class) *v1alpha1.InterferenceModel {
	t.Helper()
	m, err := handmodel.New(classes...)
	if err != nil {
		t.Fatal(err)
	}
	im, err := v1alpha1.NewInterferenceModel(name, m, metav1.NewTime(at))
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := watch.Modified
	if s.objects[name] == nil {
		kind = watch.Added
	}
	s.version++
	im.ResourceVersion = strconv.Itoa(s.version)
	s.objects[name] = im
	for w, watched := range s.watchers {
		if watched == name {
			w <- change(kind, im)
		}
	}
	return im
}

// ServeHTTP answers a list or a watch of interference models.
func (s *Models) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	name := strings.TrimPrefix(query.Get("fieldSelector"), "metadata.name=")
	s.mu.Lock()
	if s.silent {
		s.mu.Unlock()
		<-r.Context().Done()
		return
	}
	if s.absent || r.URL.Path != ModelsPath {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case query.Get("sendInitialEvents") != "":
		s.mu.Unlock()
		http.Error(w, "no streaming lists here", http.StatusBadRequest)
	case query.Get("watch") == "true":
		changes := make(chan metav1.WatchEvent, 100)
		s.watchers[changes] = name
		if m := s.objects[name]; m != nil && newer(m.ResourceVersion, query.Get("resourceVersion")) {
			changes <- change(watch.Modified, m) // since the list that the watch goes on from
		}
		s.mu.Unlock()
		s.stream(w, r, changes)
	default:
		list := v1alpha1.InterferenceModelList{TypeMeta: metav1.TypeMeta{APIVersion: "ballast.dev/v1alpha1", Kind: "InterferenceModelList"}}
		list.ResourceVersion = strconv.Itoa(s.version)
		if m := s.objects[name]; m != nil {
			list.Items = append(list.Items, *m)
		}
		s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(list)
	}
}

// stream passes changes on, a line each, until the watch ends.
func (s *Models) stream(w http.ResponseWriter, r *http.Request, changes chan metav1.WatchEvent) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, changes)
	}()
	for {
		w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's own writer
		select {
		case change := <-changes:
			_ = json.NewEncoder(w).Encode(change)
		case <-r.Context().Done():
			return
		}
	}
}

// newer compares two versions of this server, which are numbers; an empty one is 0.
func newer(a, b string) bool {
	x, _ := strconv.Atoi(a)
	y, _ := strconv.Atoi(b)
	return x > y
}

func change(kind watch.EventType, im *v1alpha1.InterferenceModel) metav1.WatchEvent {
	return metav1.WatchEvent{Type: string(kind), Object: runtime.RawExtension{Object: im}}
}
