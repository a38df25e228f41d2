package containers

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
)

// kubeletLink is what the kubelet calls a link: BuildPodFullName of pkg/kubelet/container/runtime.go and logSymlink of
// pkg/kubelet/kuberuntime/legacy.go, Kubernetes 1.36.
func kubeletLink(n name, id string) string {
	full := n.pod + "_" + n.namespace
	path := fmt.Sprintf("%s_%s-%s", full, n.container, id)
	if len(path) > 255-len(".log") {
		path = path[:255-len(".log")]
	}
	return path + ".log"
}

func TestParseLink(t *testing.T) {
	for link, want := range map[string]name{
		"web-5d4f_shop_app-" + first + ".log":                      {"shop", "web-5d4f", "app"},
		"etcd-node.example.com_kube-system_etcd-" + first + ".log": {"kube-system", "etcd-node.example.com", "etcd"}, // a static pod
		"w_s_app-" + second[:32] + "-" + first + ".log":            {"s", "w", "app-" + second[:32]},
		"w_s_a-12345678.log":                                       {"s", "w", "a"},
		"w_s_a-1234567.log":                                        {}, // no id
		"w_s_a-" + first + "0.log":                                 {}, // longer than any
		"w_s_a-" + strings.ToUpper(first) + ".log":                 {},
		"w_s_a-" + first:                                           {},
		"w_s_" + first + ".log":                                    {}, // no container
		"w_s_-" + first + ".log":                                   {},
		"w__a-" + first + ".log":                                   {},
		"_s_a-" + first + ".log":                                   {},
		"w_a-" + first + ".log":                                    {},
		"w_s_a_b-" + first + ".log":                                {}, // an underscore is in no name
		"w_s.t_a-" + first + ".log":                                {}, // a namespace is a label
		"W_s_a-" + first + ".log":                                  {},
		"w\xff_s_a-" + first + ".log":                              {}, // would be no label of a metric
		"w_" + strings.Repeat("s", 64) + "_a-" + first + ".log":    {},
		strings.Repeat("w", 254) + "_s_a-" + first + ".log":        {},
		"":        {},
		".log":    {},
		"__-.log": {},
	} {
		got, id, ok := parseLink(link)
		if got != want || ok != (want != name{}) || ok && !strings.HasSuffix(link, "-"+id+".log") {
			t.Errorf("%q: %+v, %q, %t, want %+v", link, got, id, ok, want)
		}
	}
}

// TestKubeletsLinks: whatever the kubelet calls a container is read back, or known to be lost.
func TestKubeletsLinks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(most int, letters string) string {
		b := make([]byte, 1+random.IntN(most))
		for i := range b {
			b[i] = letters[random.IntN(len(letters))]
		}
		return "a" + string(b[1:])
	}
	const label = "abcdefghijklmnopqrstuvwxyz0123456789-"
	read, cut, lost := 0, 0, 0
	for range 20_000 {
		want := name{text(63, label), text(253, label+"."), text(63, label)}
		id := fmt.Sprintf("%016x%016x%016x%016x", random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())
		n := names{byID: map[string]name{}, cut: map[string]part{}}
		n.add(kubeletLink(want, id))
		got, ok := n.of(id)
		switch {
		case ok && got != want:
			t.Fatalf("%+v, %s is read as %+v", want, id, got)
		case ok == n.lost:
			t.Fatalf("%+v, %s: known: %t, lost: %t", want, id, ok, n.lost)
		case !ok:
			lost++
		case len(n.cut) > 0:
			cut++
		default:
			read++
		}
		// Of each 20,000, the ids are left whole where the names have at most 184 bytes.
		if whole := len(want.namespace)+len(want.pod)+len(want.container) <= 255-len(".log")-len("__-")-64; whole != (len(n.byID) == 1) {
			t.Fatalf("%+v has a whole id: %t, want %t", want, len(n.byID) == 1, whole)
		}
	}
	if read < 1000 || cut < 1000 || lost < 1000 {
		t.Errorf("%d whole, %d cut, %d lost: want many of each", read, cut, lost)
	}
}

// TestCutNames: a pod of that length leaves 241 bytes less of the id: 251 are left before .log, and "_shop_app-" has 10.
func TestCutNames(t *testing.T) {
	for length, want := range map[int]struct{ known, lost bool }{
		177: {true, false}, // all 64
		201: {true, false}, // 40
		229: {true, false}, // 12
		230: {false, true}, // 11
		241: {false, true}, // none
		242: {false, true}, // nor the dash
		253: {false, true}, // nor the namespace
		176: {true, false}, // all, and one byte less than the longest
		1:   {true, false},
	} {
		of := name{"shop", strings.Repeat("w", length), "app"}
		link := kubeletLink(of, first)
		n, err := readNames(logs(t, link), maxLinks)
		if err != nil {
			t.Fatal(err)
		}
		got, known := n.of(first)
		if known != want.known || n.lost != want.lost || known && got != of || (n.unread() != "") != want.lost {
			t.Errorf("%d: %+v, known %t, %q, want %+v", length, got, known, n.unread(), want)
		}
		// One that begins with one digit more than is enough, and one that does not.
		for _, other := range []string{first[:enoughID+1] + second[enoughID+1:], second} {
			if _, known := n.of(other); known && (length != 229 || other == second) {
				t.Errorf("%d: another container, %s, has its name", length, other)
			}
		}
	}
}

// TestOddFiles: only names of files count. What they are is nobody's business: opening the pipe would never end.
func TestOddFiles(t *testing.T) {
	dir := logs(t, "readme", "a_b.log", "\xff_s_a-"+first+".log")
	link := func(id string) string { return filepath.Join(dir, "w_s_a-"+strings.Repeat(id, 64)+".log") }
	if err := syscall.Mkfifo(link("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for id, to := range map[string]string{"2": "/etc/shadow", "3": link("3"), "4": "../../..", "5": strings.Repeat("x/", 2000)} {
		if err := os.Symlink(to, link(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(link("6"), 0o000); err != nil {
		t.Fatal(err)
	}
	n, err := readNames(dir, maxLinks)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.byID) != 6 || len(n.cut) != 0 || n.unread() != "" {
		t.Errorf("%+v", n)
	}
}

// TestManyLinks: names beyond the bound are not read, and that is said. The bound falls within one reading and on its end.
func TestManyLinks(t *testing.T) {
	links := make([]string, linksAtOnce+10)
	for i := range links {
		links[i] = fmt.Sprintf("w_s_a-%064x.log", i)
	}
	dir := logs(t, links...)
	for most, more := range map[int]bool{5: true, linksAtOnce: true, linksAtOnce + 9: true, linksAtOnce + 10: false, linksAtOnce + 11: false} {
		n, err := readNames(dir, most)
		if err != nil {
			t.Fatal(err)
		}
		if len(n.byID) != min(most, len(links)) || n.more != more || more != strings.Contains(n.unread(), "more than 20000 links") {
			t.Errorf("at most %d: %d names, more: %t, %q", most, len(n.byID), n.more, n.unread())
		}
	}
}

func FuzzParseLink(f *testing.F) {
	for _, n := range []int{1, 177, 201, 240, 253} {
		f.Add(kubeletLink(name{"shop", strings.Repeat("w", n), "app"}, first))
	}
	for _, link := range []string{"", ".log", "__-.log", "w_s_a-" + first, "a_b_c-d-\xff.log"} {
		f.Add(link)
	}
	f.Fuzz(func(t *testing.T, link string) {
		n, id, ok := parseLink(link)
		if !ok {
			if (n != name{} || id != "") {
				t.Errorf("%q is no link and gives %+v, %q", link, n, id)
			}
			return
		}
		if got := kubeletLink(n, id); got != link {
			t.Errorf("%q is read as %+v, %q, which would be %q", link, n, id, got)
		}
		if !utf8.ValidString(link) || n.pod == "" || n.namespace == "" || n.container == "" || len(id) > idLength {
			t.Errorf("%q: %+v, %q", link, n, id)
		}
	})
}

// BenchmarkNames reads the names of a node of 100 containers, each with the links of two dead ones, and of one at the bound.
func BenchmarkNames(b *testing.B) {
	for _, n := range []int{300, maxLinks} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			links := make([]string, n)
			for i := range links {
				links[i] = fmt.Sprintf("frontend-7c9d8b6f5-x%04d_production_server-%064x.log", i%10_000, i)
			}
			dir := logs(b, links...)
			found := make([]counters.Container, 200) // 100 sandboxes among them
			for i := range found {
				found[i] = counters.Container{Pod: fmt.Sprint(i / 2), ID: fmt.Sprintf("%064x", i+i%2*maxLinks)}
			}
			for b.Loop() {
				names, err := readNames(dir, maxLinks)
				if err != nil || names.foreign(found) != "" {
					b.Fatal(err, names.foreign(found))
				}
				for _, c := range found {
					names.of(c.ID)
				}
			}
		})
	}
}
