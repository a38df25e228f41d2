package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// downTimeout bounds the wait for the supervisor's end: it takes two seconds, twenty if the machine is out of breath.
const downTimeout = 20 * time.Second

// errRuns means that a supervisor holds the lock.
var errRuns = errors.New("a local cluster is running")

// clusterHome is the folder where a user's local cluster lives and where `up`, `status` and `down` meet. A lock on the file "lock",
// held by the supervisor as long as it lives, says whether one runs; unlike a process id it cannot be somebody else's.
type clusterHome struct{ dir string }

// clusterRecord is what the supervisor writes down once the cluster is ready, and, if the cluster broke, why.
type clusterRecord struct {
	PID        int       `json:"pid"`
	Started    time.Time `json:"started"`
	Server     string    `json:"server"`
	Kubeconfig string    `json:"kubeconfig"`
	Folder     string    `json:"folder"`
	Scheduler  string    `json:"scheduler"`
	Error      string    `json:"error,omitempty"`
}

// clusterStatus is the answer of `ballast cluster status`.
type clusterStatus struct {
	Running bool `json:"running"`
	clusterRecord
	Nodes      int `json:"nodes"`
	ReadyNodes int `json:"readyNodes"`
	// Unreachable says why the nodes could not be counted.
	Unreachable string `json:"unreachable,omitempty"`
}

// findClusterHome names the folder. It need not be there.
func findClusterHome() *clusterHome {
	return &clusterHome{dir: filepath.Join(os.TempDir(), "ballast-cluster-"+strconv.Itoa(os.Getuid()))}
}

// open makes the folder, and refuses one that somebody else could have put there: temporary folders are shared.
func (h *clusterHome) open() error {
	if err := os.Mkdir(h.dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("making the local cluster's folder: %w", err)
	}
	info, err := os.Lstat(h.dir)
	if err != nil {
		return fmt.Errorf("examining the local cluster's folder: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(owner.Uid) != os.Getuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s must be a folder that only you can enter: remove it, or set TMPDIR to another folder", h.dir)
	}
	return nil
}

// lock takes the supervisor's lock, and returns what releases it. If another process holds it, the error is errRuns.
func (h *clusterHome) lock() (release func(), err error) {
	for {
		if err := h.open(); err != nil {
			return nil, err
		}
		file, err := os.OpenFile(h.lockPath(), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("opening the local cluster's lock: %w", err)
		}
		release := func() { _ = file.Close() } // nothing was written
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			release()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, errRuns
			}
			return nil, fmt.Errorf("locking %s: %w", file.Name(), err)
		}
		// Whoever had the lock before may have removed the file (see remove): then this lock protects nothing.
		locked, err := file.Stat()
		if err == nil {
			if current, err := os.Stat(h.lockPath()); err == nil && os.SameFile(locked, current) {
				return release, nil
			}
		}
		release()
	}
}

// remove removes the folder. The caller holds the lock.
func (h *clusterHome) remove() error {
	if err := h.clear(); err != nil {
		return err
	}
	// The lock goes last: until then nobody else uses the folder.
	for _, path := range []string{h.log(), h.lockPath(), h.dir} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing the local cluster's folder: %w", err)
		}
	}
	return nil
}

// clear removes what earlier clusters left, but the lock and the log that is being written. The caller holds the lock.
func (h *clusterHome) clear() error {
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		return fmt.Errorf("listing the local cluster's folder: %w", err)
	}
	for _, entry := range entries {
		path := filepath.Join(h.dir, entry.Name())
		if path == h.lockPath() || path == h.log() {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing what an earlier cluster left: %w", err)
		}
	}
	return nil
}

func (h *clusterHome) kubeconfig() string { return filepath.Join(h.dir, "kubeconfig") }
func (h *clusterHome) log() string        { return filepath.Join(h.dir, "supervisor.log") }
func (h *clusterHome) lockPath() string   { return filepath.Join(h.dir, "lock") }

// write stores the record.
func (h *clusterHome) write(record clusterRecord) error {
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the local cluster's record: %w", err)
	}
	return cli.WriteFile(filepath.Join(h.dir, "record.json"), append(text, '\n'))
}

// read returns the record, or a zero one if there is none.
func (h *clusterHome) read() (clusterRecord, error) {
	var record clusterRecord
	text, err := os.ReadFile(filepath.Join(h.dir, "record.json"))
	if errors.Is(err, os.ErrNotExist) {
		return record, nil
	}
	if err != nil {
		return record, fmt.Errorf("reading the local cluster's record: %w", err)
	}
	if err := json.Unmarshal(text, &record); err != nil {
		return record, fmt.Errorf("reading the local cluster's record: %w", err)
	}
	return record, nil
}

// status finds out whether a cluster runs, and asks it for its nodes.
func (h *clusterHome) status(ctx context.Context) (clusterStatus, error) {
	record, err := h.read()
	if err != nil {
		return clusterStatus{}, err
	}
	release, err := h.lock()
	if err == nil {
		defer release()
		if record.Error == "" {
			err = h.remove()
		}
		return clusterStatus{clusterRecord: clusterRecord{Error: record.Error}}, err
	}
	if !errors.Is(err, errRuns) {
		return clusterStatus{}, err
	}
	status := clusterStatus{Running: true, clusterRecord: record}
	if record.Server == "" {
		status.Unreachable = "it is starting"
	} else if err := status.count(ctx); err != nil {
		status.Unreachable = err.Error()
	}
	return status, nil
}

// count asks the API server for its nodes.
func (s *clusterStatus) count(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the local cluster's kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting to the local cluster: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return fmt.Errorf("listing the local cluster's nodes: %w", err)
	}
	s.Nodes = len(nodes.Items)
	for i := range nodes.Items {
		for _, condition := range nodes.Items[i].Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				s.ReadyNodes++
			}
		}
	}
	return nil
}

// print writes the table form.
func (s *clusterStatus) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	nodes := fmt.Sprintf("%d of %d ready (simulated)", s.ReadyNodes, s.Nodes)
	if s.Unreachable != "" {
		nodes = s.Unreachable
	}
	for _, row := range [][2]string{
		{"server", s.Server},
		{"kubeconfig", s.Kubeconfig},
		{"nodes", nodes},
		{"scheduler", s.Scheduler},
		{"started", s.Started.Format(time.RFC3339)},
		{"process", strconv.Itoa(s.PID)},
		{"logs", filepath.Join(s.Folder, "logs")},
	} {
		fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
	}
	_ = table.Flush() // a closed pipe is the reader's wish
}

// ended says how the last cluster ended, if that is known and not an ordinary end.
func (s *clusterStatus) ended() string {
	if s.Error == "" {
		return ""
	}
	return " (the last one broke: " + s.Error + ")"
}

// stop ends the supervisor and waits until everything is gone. It reports whether one was running.
func (h *clusterHome) stop(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, downTimeout, fmt.Errorf("it did not end in %s", downTimeout))
	defer cancel()
	signalled := 0
	for running := false; ; running = true {
		release, err := h.lock()
		if err == nil {
			defer release()
			return running, h.remove()
		}
		if !errors.Is(err, errRuns) {
			return running, err
		}
		record, err := h.read()
		if err != nil {
			return running, err
		}
		// The lock is held, so the process in the record is the supervisor. Without a record it is only just starting.
		if record.PID != signalled {
			signalled = record.PID
			if err := syscall.Kill(record.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
				return running, fmt.Errorf("stopping the local cluster, process %d: %w", record.PID, err)
			}
		}
		select {
		case <-ctx.Done():
			return true, fmt.Errorf("waiting for the end of the local cluster, process %d: %w", record.PID, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
