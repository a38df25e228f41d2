package counters

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSearchRemembers: through 300 random changes, several between two searches, a reader that has searched before finds what a new one
// does. Among them are pods of which one container ends and another begins, so that there are as many as before, and folders that were
// removed and made anew.
func TestSearchRemembers(t *testing.T) {
	m := newMachine(t)
	m.write("cgroup/cgroup.controllers", "")
	m.write("cgroup/cgroup.procs", "")
	m.write("cgroup/system.slice/sshd.service/cgroup.procs", "")
	r := m.open()
	random := rand.New(rand.NewPCG(1, 2))
	pod := func() string {
		class := []string{"kubepods", "kubepods/burstable", "kubepods/besteffort", "node-1/kubepods"}[random.IntN(4)]
		return fmt.Sprintf("cgroup/%s/pod%032x", class, random.IntN(4))
	}
	most := 0
	for range 300 {
		for range 1 + random.IntN(4) {
			switch k := fmt.Sprintf("%064x", random.IntN(6)); random.IntN(8) {
			case 0:
				m.remove(pod())
			case 1:
				m.remove(filepath.Dir(pod()))
			case 2, 3:
				m.remove(filepath.Join(pod(), k))
			case 4: // one in the place of another
				p := pod()
				m.remove(filepath.Join(p, k))
				if _, err := os.Stat(filepath.Join(m.root, p)); err == nil {
					m.write(filepath.Join(p, fmt.Sprintf("%064x", random.IntN(6)), "cgroup.procs"), "")
				}
			default:
				m.write(filepath.Join(pod(), k, "cgroup.procs"), "")
			}
		}
		got, err := r.Containers()
		want, err2 := m.open().Containers()
		if d := cmp.Diff(want, got); err != nil || err2 != nil || d != "" {
			t.Fatalf("%v, %v, -want +got:\n%s", err, err2, d)
		}
		most = max(most, len(got))
	}
	if most < 15 {
		t.Errorf("at most %d containers: too few to tell", most)
	}
}

// TestSearchBeginsAnew: after an error nothing is taken for known.
func TestSearchBeginsAnew(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	r := m.open()
	m.only(r)
	if err := os.Rename(filepath.Join(m.root, "cgroup/kubepods.slice"), filepath.Join(m.root, "away")); err != nil {
		t.Fatal(err)
	}
	r.below = "nowhere"
	if _, err := r.Containers(); err == nil {
		t.Error("no error")
	}
	r.below = "."
	if found, err := r.Containers(); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}

// TestRealSearch: the kernel's own folders have a link from each folder in them, which the search goes by.
func TestRealSearch(t *testing.T) {
	r, err := Open(Options{Cgroup: "/sys/fs/cgroup", Proc: "/proc", Now: time.Now})
	if err != nil {
		t.Skipf("no cgroups here: %v", err)
	}
	defer r.Close() //nolint:errcheck // nothing was written
	r.below = fmt.Sprintf("ballast-test-search-%d", os.Getpid())
	top := filepath.Join("/sys/fs/cgroup", r.tree.discover, r.below)
	pod := filepath.Join(top, "kubepods/pod"+uid)
	if err := os.MkdirAll(pod, 0o755); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		for _, pattern := range []string{"kubepods/pod*/*", "kubepods/pod*", "kubepods", "."} {
			found, _ := filepath.Glob(filepath.Join(top, pattern))
			for _, f := range found {
				_ = os.Remove(f)
			}
		}
	})
	one, two, three := strings.Repeat("1", 64), strings.Repeat("2", 64), strings.Repeat("3", 64)
	for _, step := range []struct {
		add, remove string
		want        []string
	}{
		{one, "", []string{one}},
		{two, one, []string{two}},
		{three, "", []string{two, three}},
		{"", "", []string{two, three}},
		{"", two, []string{three}},
	} {
		if step.add != "" {
			if err := os.Mkdir(filepath.Join(pod, step.add), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if step.remove != "" {
			if err := os.Remove(filepath.Join(pod, step.remove)); err != nil {
				t.Fatal(err)
			}
		}
		found, err := r.Containers()
		var got []string
		for _, c := range found {
			got = append(got, c.ID)
		}
		if d := cmp.Diff(step.want, got); err != nil || d != "" {
			t.Errorf("%v, -want +got:\n%s", err, d)
		}
	}
}
