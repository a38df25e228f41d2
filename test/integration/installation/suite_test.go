// Package installation_test runs what README.md says to install, to turn off and to restrict on a real control plane, word by word with
// kubectl. Its API server admits pods of the two critical priorities only under a quota, as GKE's does.
package installation_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

// soon bounds what should take a moment. A controller whose pods are refused at first tries again after up to half a minute.
const soon = 90 * time.Second

// limited is the API server's configuration: pods of these priorities are refused in a namespace without a quota for them.
const limited = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: ResourceQuota
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ResourceQuotaConfiguration
    limitedResources:
    - resource: pods
      matchScopes:
      - scopeName: PriorityClass
        operator: In
        values: [system-node-critical, system-cluster-critical]
`

// suite is the cluster that all tests share.
type suite struct {
	*localcluster.Cluster
	client kubernetes.Interface
	readme []string // its lines of commands
}

// TestInstallation installs everything. Subtests depend on those before.
func TestInstallation(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir(), ToolDir: tools(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := &suite{Cluster: cluster, client: kubernetes.NewForConfigOrDie(cluster.AdminConfig()), readme: commands(t)}
	if err := s.AddNodes(ctx, "worker", 1, localcluster.NodeShape{}); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"critical pods want a quota", testLimited},
		{"every component gets its pods", testInstalled},
		{"the switch", testSwitch},
		{"who may use which class", testClasses},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// tools are those of the checkout, but for an API server that is given the configuration.
func tools(t *testing.T) string {
	t.Helper()
	built, err := localcluster.FindTools()
	if err != nil {
		t.Fatal(err)
	}
	if built, err = filepath.Abs(built); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	bin, configuration := filepath.Join(root, "bin"), filepath.Join(root, "admission.yaml")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bin/etcd", "bin/kube-controller-manager", "bin/kwok", "bin/kubectl", "share"} {
		if err := os.Symlink(filepath.Join(filepath.Dir(built), name), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\" '--admission-control-config-file=%s'\n", filepath.Join(built, "kube-apiserver"), configuration)
	for name, text := range map[string]string{filepath.Join(bin, "kube-apiserver"): script, configuration: limited} {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// commands are the lines of README.md's blocks that call kubectl, without their comments.
func commands(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(component.Root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, " #")
		if strings.HasPrefix(line, "kubectl ") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// command is the one among README.md's that begins so.
func (s *suite) command(t *testing.T, begin string) string {
	t.Helper()
	for _, c := range s.readme {
		if strings.HasPrefix(c, begin) {
			return c
		}
	}
	t.Fatalf("README.md has no command that begins with %q, among %q", begin, s.readme)
	return ""
}

// run runs a command in the checkout's folder, as the administrator.
func (s *suite) run(t *testing.T, command string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = component.Root
	cmd.Env = []string{"PATH=" + s.ToolDir() + ":" + os.Getenv("PATH"), "KUBECONFIG=" + s.AdminKubeconfig(), "HOME=" + s.Dir()}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// pod is one of a class, "" for none.
func pod(namespace, name, class string) *v1.Pod {
	p := &v1.Pod{Spec: v1.PodSpec{Containers: []v1.Container{{Name: "app", Image: "none"}}}}
	p.Namespace, p.Name = namespace, name
	if class != "" {
		p.Labels = map[string]string{"ballast.dev/class": class}
	}
	return p
}
