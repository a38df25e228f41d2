package jointplacement_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/handmodel"
)

// server is the part of the API server that the plugin reaches by HTTP: the interference model, PodGroups, and nominations, which it
// passes on to the clientset.
type server struct {
	*httptest.Server
	pods *fake.Clientset

	mu       sync.Mutex
	model    *v1alpha1.InterferenceModel
	version  int
	watchers map[chan string]struct{}
	groups   map[string]string // body by path
	lookups  map[lookup]int

	onNomination func()       // before one is taken; nil for nothing
	refuse       atomic.Bool  // nominations
	silent       atomic.Bool  // about PodGroups: a look-up is never answered
	patches      atomic.Int64 // that were taken
}

// lookup is what came of looking for an object.
type lookup struct {
	path  string
	found bool
}

func newServer(t testing.TB, pods *fake.Clientset) *server {
	t.Helper()
	s := &server{pods: pods, watchers: map[chan string]struct{}{}, groups: map[string]string{}, lookups: map[lookup]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodPatch:
		s.nominate(w, r)
	case r.URL.Path == "/apis/ballast.dev/v1alpha1/interferencemodels":
		s.models(w, r)
	default:
		if s.silent.Load() && strings.Contains(r.URL.Path, "/podgroups/") {
			<-r.Context().Done()
			return
		}
		s.mu.Lock()
		body, ok := s.groups[r.URL.Path]
		s.lookups[lookup{r.URL.Path, ok}]++
		s.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, body)
	}
}

// offer serves an object from now on.
func (s *server) offer(path, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[path] = body
}

// looked says how often an object was looked for, and found or not.
func (s *server) looked(path string, found bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lookups[lookup{path, found}]
}

func (s *server) nominate(w http.ResponseWriter, r *http.Request) {
	if s.onNomination != nil {
		s.onNomination()
	}
	parts := strings.Split(r.URL.Path, "/") // /api/v1/namespaces/<ns>/pods/<name>/status
	if s.refuse.Load() || len(parts) != 8 || parts[7] != "status" {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	// The queue looks at updates with a new version only, which this clientset does not give by itself.
	var change map[string]map[string]any
	if err := json.Unmarshal(body, &change); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	change["metadata"]["resourceVersion"] = fmt.Sprint(time.Now().UnixNano())
	if body, err = json.Marshal(change); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.patches.Add(1) // at once: who sees the pod placed may count
	pod, err := s.pods.CoreV1().Pods(parts[4]).Patch(r.Context(), parts[6], types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	if err != nil {
		s.patches.Add(-1)
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	_ = json.NewEncoder(w).Encode(pod)
}

func (s *server) models(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.mu.Lock()
	switch {
	case query.Get("sendInitialEvents") != "":
		s.mu.Unlock()
		http.Error(w, "no streaming lists here", http.StatusBadRequest)
	case query.Get("watch") == "true":
		changes := make(chan string, 100)
		s.watchers[changes] = struct{}{}
		if from, _ := strconv.Atoi(query.Get("resourceVersion")); s.model != nil && s.version > from {
			changes <- change("MODIFIED", s.model) // since the list that the watch goes on from
		}
		s.mu.Unlock()
		s.stream(w, r, changes)
	default:
		list := v1alpha1.InterferenceModelList{TypeMeta: metav1.TypeMeta{APIVersion: "ballast.dev/v1alpha1", Kind: "InterferenceModelList"}}
		list.ResourceVersion = fmt.Sprint(s.version)
		if s.model != nil {
			list.Items = append(list.Items, *s.model)
		}
		s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(list)
	}
}

// stream passes changes on until the watch ends.
func (s *server) stream(w http.ResponseWriter, r *http.Request, changes chan string) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, changes)
	}()
	for {
		w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's own writer
		select {
		case change := <-changes:
			fmt.Fprintln(w, change)
		case <-r.Context().Done():
			return
		}
	}
}

// change is a line of a watch.
func change(kind string, im *v1alpha1.InterferenceModel) string {
	line, err := json.Marshal(map[string]any{"type": kind, "object": im})
	if err != nil {
		panic(err) // of a type that is made to be written so
	}
	return string(line)
}

// publish stores a model of handmodel's trio and tells the watchers.
func (s *server) publish(t testing.TB, at time.Time) {
	t.Helper()
	m, err := handmodel.New(handmodel.Trio()...)
	if err != nil {
		t.Fatal(err)
	}
	im, err := v1alpha1.NewInterferenceModel("default", m, metav1.NewTime(at))
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := "MODIFIED"
	if s.model == nil {
		kind = "ADDED"
	}
	s.version++
	im.ResourceVersion = fmt.Sprint(s.version)
	s.model = im
	for w := range s.watchers {
		w <- change(kind, im)
	}
}
