package jointplacement_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ballast-k8s/ballast/test/plugins/pluginsuite"
)

// server is the part of the API server that the plugin reaches by HTTP: the interference model, PodGroups, and nominations, which it
// passes on to the clientset.
type server struct {
	models *pluginsuite.Models
	pods   *fake.Clientset

	mu      sync.Mutex
	groups  map[string]string // body by path
	lookups map[lookup]int

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

func newServer(pods *fake.Clientset) *server {
	return &server{models: pluginsuite.NewModels(), pods: pods, groups: map[string]string{}, lookups: map[lookup]int{}}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodPatch:
		s.nominate(w, r)
	case r.URL.Path == pluginsuite.ModelsPath:
		s.models.ServeHTTP(w, r)
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
