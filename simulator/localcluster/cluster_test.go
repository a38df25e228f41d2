package localcluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// TestCluster takes one cluster through its life. Subtests depend on those before. It logs how long the cluster and its nodes took and
// judges neither, because tests run beside compilers: what is wanted of an idle machine with two cores is 5 s and, for 81 nodes, 3 s;
// measured there: 2.9 s and 0.8 s. Start and AddNodes end with an error at bounds of their own.
func TestCluster(t *testing.T) {
	needsControlPlane(t)
	temp := t.TempDir()
	begin := time.Now()
	var steps []string
	c, err := Start(t.Context(), Config{TempDir: temp, Progress: func(e Event) { steps = append(steps, e.Step) }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop() //nolint:errcheck // checked below; this is for a failed test
	t.Logf("ready after %s", time.Since(begin))
	if len(steps) == 0 || steps[len(steps)-1] != "ready" {
		t.Errorf("progress was %q, want steps up to ready", steps)
	}
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *Cluster)
	}{
		{"healthy", testHealthy},
		{"nodes", testNodes},
		{"serving certificate", testServing},
		{"pod runs", testPodRuns},
		{"least privilege", testLeastPrivilege},
		{"service account", testServiceAccount},
		{"apply", testApply},
		{"apply errors", testApplyErrors},
		{"run", testRun},
		{"run fails", testRunFails},
		{"essential dies", testEssentialDies},
	} {
		t.Run(sub.name, func(t *testing.T) { sub.run(t, c) })
	}
	begin = time.Now()
	if err := c.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	t.Logf("stopped after %s", time.Since(begin))
	wantNothingLeft(t, temp, 0)
	if err := c.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if _, err := c.Run(t.Context(), Process{Name: "late", Path: "/bin/true"}); err == nil {
		t.Error("Run after Stop succeeded")
	}
}

func testHealthy(t *testing.T, c *Cluster) {
	out, err := c.Kubectl(t.Context(), "get", "--raw", "/readyz")
	if err != nil || string(out) != "ok" {
		t.Errorf("/readyz: %q, %v", out, err)
	}
	out, err = c.Kubectl(t.Context(), "version", "-o", "yaml")
	if err != nil || !strings.Contains(string(out), "gitVersion: v1.36") {
		t.Errorf("version: %v\n%s", err, out)
	}
	if config, err := clientcmd.BuildConfigFromFlags("", c.AdminKubeconfig()); err != nil || config.Host != c.Server() {
		t.Errorf("kubeconfig: %v, %v", config, err)
	}
}

func testNodes(t *testing.T, c *Cluster) {
	begin := time.Now()
	shape := NodeShape{
		Capacity: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi")},
		Labels:   map[string]string{"zone": "a"},
		Taints:   []corev1.Taint{{Key: "dedicated", Value: "test", Effect: corev1.TaintEffectNoSchedule}},
	}
	if err := c.AddNodes(t.Context(), "big", 81, shape); err != nil {
		t.Fatal(err)
	}
	t.Logf("81 nodes ready after %s", time.Since(begin))
	node, err := c.client.CoreV1().Nodes().Get(t.Context(), "big-07", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if cpu := node.Status.Allocatable.Cpu().Value(); cpu != 16 || node.Labels["zone"] != "a" || len(node.Spec.Taints) != 1 {
		t.Errorf("node has %d CPU, labels %v, taints %v", cpu, node.Labels, node.Spec.Taints)
	}
	if err := c.AddNodes(t.Context(), "big", 1, shape); err == nil {
		t.Error("a second call with the same prefix succeeded")
	}
	if err := c.AddNodes(t.Context(), "none", 0, shape); err == nil {
		t.Error("adding no nodes succeeded")
	}
}

// testServing checks whom a server's certificate convinces: clients with our kubeconfigs, but not the API server as a client.
func testServing(t *testing.T, c *Cluster) {
	certFile, keyFile, err := c.ServingCertificate("kubelets", "127.0.0.1", "kubelets.test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(c.AuthorityFile())
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("the authority's certificate: %v", err)
	}
	for host, good := range map[string]bool{"127.0.0.1": true, "kubelets.test": true, "kubernetes": false} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); (err == nil) != good {
			t.Errorf("as server %s: %v", host, err)
		}
	}
	client := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := pair.Leaf.Verify(client); err == nil {
		t.Error("the certificate of a server is good for a client")
	}
	if _, _, err := c.ServingCertificate("nobody"); err == nil {
		t.Error("a server without a name got a certificate")
	}
}

func testPodRuns(t *testing.T, c *Cluster) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "default"},
		Spec:       corev1.PodSpec{NodeName: "big-00", Containers: []corev1.Container{{Name: "c", Image: "none"}}},
	}
	if _, err := c.client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	err := c.await(t.Context(), nil, "the pod", 60*time.Second, func(ctx context.Context) error {
		pod, err := c.client.CoreV1().Pods("default").Get(ctx, "p", metav1.GetOptions{})
		if err == nil && (pod.Status.Phase != corev1.PodRunning || pod.Status.PodIP == "") {
			return errors.New(string(pod.Status.Phase))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func testLeastPrivilege(t *testing.T, c *Cluster) {
	path, err := c.UserKubeconfig(kwokUser)
	if err != nil {
		t.Fatal(err)
	}
	client := clientFor(t, path)
	if _, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{Limit: 1}); err != nil {
		t.Errorf("KWOK cannot list nodes: %v", err)
	}
	if _, err := client.CoreV1().Secrets("kube-system").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("KWOK lists secrets: %v, want forbidden", err)
	}
	// Whatever KWOK was denied until now it would have logged: its role must not be smaller than what it does, either.
	log, err := os.ReadFile(filepath.Join(c.Dir(), "logs", "kwok.log"))
	if err != nil || strings.Contains(string(log), "forbidden") {
		t.Errorf("KWOK's log, %v:\n%s", err, log)
	}
}

func clientFor(t *testing.T, kubeconfig string) kubernetes.Interface {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func testServiceAccount(t *testing.T, c *Cluster) {
	path, err := c.ServiceAccountKubeconfig(t.Context(), "default", "default")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clientFor(t, path).CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("the default ServiceAccount lists pods: %v, want forbidden", err)
	}
	_, err = c.ServiceAccountKubeconfig(t.Context(), "default", "nobody")
	if !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("a ServiceAccount that is not there: %v", err)
	}
}

func testRun(t *testing.T, c *Cluster) {
	port, err := c.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := c.UserKubeconfig("system:kube-scheduler")
	if err != nil {
		t.Fatal(err)
	}
	scheduler := Process{
		Name: "kube-scheduler", Path: filepath.Join(c.ToolDir(), "kube-scheduler"),
		Args: []string{
			"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
			"--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(port),
		},
		Ready: Healthz("https://127.0.0.1:" + strconv.Itoa(port) + "/healthz"),
	}
	child, err := c.Run(t.Context(), scheduler)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Run(t.Context(), scheduler); err == nil || !strings.Contains(err.Error(), "running already") {
		t.Errorf("a second process of the same name: %v", err)
	}
	child.Stop()
	if err := child.Err(); err != nil || syscall.Kill(child.PID(), 0) == nil {
		t.Errorf("after Stop: %v, or the process is still there", err)
	}
	child.Stop() // again: must not hang
	if c.Err() != nil {
		t.Errorf("the cluster minds the end of a scheduler: %v", c.Err())
	}
}

func testRunFails(t *testing.T, c *Cluster) {
	never := func(context.Context) error { return errors.New("not yet") }
	for name, test := range map[string]struct {
		process Process
		want    []string
	}{
		"ends early": {
			Process{Path: "/bin/sh", Args: []string{"-c", "echo first; echo last words; exit 7"}, Ready: never},
			[]string{"ends early", "exit status 7", "last words"},
		},
		"never ready": {
			Process{Path: "/bin/sh", Args: []string{"-c", "echo hanging; sleep 60"}, Ready: never, ReadyTimeout: 300 * time.Millisecond},
			[]string{"never ready", "300ms", "not yet", "hanging"},
		},
		"no program": {Process{Path: "/nowhere/scheduler"}, []string{"no program", "/nowhere/scheduler", ErrToolMissing.Error()}},
	} {
		test.process.Name = name
		_, err := c.Run(t.Context(), test.process)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want it to say %q", name, err, want)
			}
		}
	}
}

// testEssentialDies is last: the cluster is broken afterwards.
func testEssentialDies(t *testing.T, c *Cluster) {
	if c.Err() != nil {
		t.Fatal(c.Err())
	}
	if err := syscall.Kill(c.children["kwok"].PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("Done is not closed")
	}
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "kwok ended unexpectedly: signal: killed") {
		t.Errorf("Err: %v", err)
	}
}

func TestPortInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	temp := t.TempDir()
	address, _ := listener.Addr().(*net.TCPAddr)
	_, err = Start(t.Context(), Config{TempDir: temp, APIServerPort: address.Port})
	if !errors.Is(err, ErrPortInUse) || !strings.Contains(err.Error(), address.String()) || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("got %v, want ErrPortInUse with the address and the way out", err)
	}
	wantNothingLeft(t, temp, 0)
	if _, err := Start(t.Context(), Config{TempDir: temp, APIServerPort: 70000}); err == nil {
		t.Error("port 70000 was accepted")
	}
}

func TestToolMissing(t *testing.T) {
	complete, err := FindTools()
	if err != nil {
		t.Fatal(err)
	}
	tools := filepath.Join(t.TempDir(), "bin")
	if err := os.Mkdir(tools, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range requiredTools() {
		if name != "kube-apiserver" {
			if err := os.Symlink(filepath.Join(complete, name), filepath.Join(tools, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	temp := t.TempDir()
	want := "kube-apiserver not found in " + tools + ": run `make tools`"
	if _, err := Start(t.Context(), Config{TempDir: temp, ToolDir: tools}); !errors.Is(err, ErrToolMissing) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrToolMissing and %q", err, want)
	}
	if err := os.Symlink(filepath.Join(complete, "kube-apiserver"), filepath.Join(tools, "kube-apiserver")); err != nil {
		t.Fatal(err)
	}
	want = "KWOK's stages not found"
	if _, err := Start(t.Context(), Config{TempDir: temp, ToolDir: tools}); !errors.Is(err, ErrToolMissing) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrToolMissing and %q", err, want)
	}
	wantNothingLeft(t, temp, 0)
}

func TestFindTools(t *testing.T) {
	checkout := t.TempDir()
	bin := filepath.Join(checkout, ".tools", "bin")
	inside := filepath.Join(checkout, "a", "b")
	for _, dir := range []string{bin, inside} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(ToolsEnv, "")
	t.Chdir(inside)
	if got, err := FindTools(); err != nil || got != bin {
		t.Errorf("FindTools = %q, %v, want %q", got, err, bin)
	}
	t.Chdir(t.TempDir())
	if got, err := FindTools(); !errors.Is(err, ErrToolMissing) || !strings.Contains(err.Error(), "make tools") {
		t.Errorf("FindTools = %q, %v, want ErrToolMissing and what to do", got, err)
	}
	t.Setenv(ToolsEnv, "/elsewhere")
	if got, err := FindTools(); err != nil || got != "/elsewhere" {
		t.Errorf("FindTools = %q, %v", got, err)
	}
}
