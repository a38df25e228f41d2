package arch

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// sharedNamespace returns what is wrong with the objects of an installation, a rendered kustomization: but for the base, none may hold the
// namespace that all share, since to delete it would take the others along.
func sharedNamespace(folder string, docs [][]byte) []string {
	held := false
	for _, doc := range docs {
		var o corev1.Namespace
		if err := yaml.Unmarshal(doc, &o); err == nil && o.Kind == "Namespace" && o.Name == v1alpha1.SwitchNamespace {
			held = true
		}
	}
	switch base := folder == "manifests/base"; {
	case held && !base:
		return []string{folder + " holds namespace " + v1alpha1.SwitchNamespace + ": kubectl delete -k would delete what others share; it belongs into manifests/base"}
	case !held && base:
		return []string{folder + " lacks namespace " + v1alpha1.SwitchNamespace}
	}
	return nil
}

func TestSharedNamespace(t *testing.T) {
	all := files(t, func(name string) bool {
		return strings.HasPrefix(name, "manifests/") && path.Base(name) == "kustomization.yaml"
	})
	if len(all) < 4 {
		t.Fatalf("%d kustomizations, want those of base, node, recommender and scheduler", len(all))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		folder := path.Dir(name)
		built, err := kustomize(folder)
		if err != nil {
			t.Fatal(err)
		}
		report(t, sharedNamespace(folder, documents(t, folder, built)))
	}
}

func TestSharedNamespaceFindsViolations(t *testing.T) {
	shared := [][]byte{[]byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: ballast-system}\n")}
	own := [][]byte{[]byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: ballast-node}\n")}
	expect(t, sharedNamespace("manifests/base", shared), "")
	expect(t, sharedNamespace("manifests/base", own), "lacks namespace")
	expect(t, sharedNamespace("manifests/node", own), "")
	expect(t, sharedNamespace("manifests/node", shared), "kubectl delete -k")
}

// agentDifferences returns where the DaemonSet for nodes that are divided differs from the other one beyond what it says of itself: its name,
// its nodes, its user, one capability, and the mount of resctrl.
func agentDifferences(plain, divided *appsv1.DaemonSet) []string {
	var violations []string
	plain, divided = plain.DeepCopy(), divided.DeepCopy()
	for _, d := range []*appsv1.DaemonSet{plain, divided} {
		name := d.Name
		for _, labels := range []map[string]string{d.Labels, d.Spec.Selector.MatchLabels, d.Spec.Template.Labels} {
			if labels["app.kubernetes.io/name"] != name {
				violations = append(violations, fmt.Sprintf("%s: label app.kubernetes.io/name is %q", name, labels["app.kubernetes.io/name"]))
			}
			delete(labels, "app.kubernetes.io/name")
		}
		d.Name = ""
		pod := &d.Spec.Template.Spec
		pod.Affinity = nil
		delete(pod.NodeSelector, "ballast.dev/resctrl")
		pod.SecurityContext.RunAsNonRoot, pod.SecurityContext.RunAsUser, pod.SecurityContext.RunAsGroup = nil, nil, nil
		c := &pod.Containers[0]
		c.SecurityContext.Capabilities.Add = nil
		c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "resctrl" })
		pod.Volumes = slices.DeleteFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == "resctrl" })
	}
	if diff := cmp.Diff(plain, divided); diff != "" {
		violations = append(violations, "manifests/node: daemonset.yaml (-) and daemonset-resctrl.yaml (+) differ:\n"+diff)
	}
	return violations
}

// TestAgentsAreAdmitted: clusters that admit their priority outside of kube-system only under a quota find one, which allows it.
func TestAgentsAreAdmitted(t *testing.T) {
	const name = "manifests/node/quota.yaml"
	var quota corev1.ResourceQuota
	if err := yaml.UnmarshalStrict(files(t, func(path string) bool { return path == name })[name], &quota); err != nil || quota.Spec.ScopeSelector == nil {
		t.Fatalf("%s: %v, or no scopeSelector", name, err)
	}
	want := []corev1.ScopedResourceSelectorRequirement{{
		ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: corev1.ScopeSelectorOpIn,
	}}
	plain, divided := agents(t)
	for _, agent := range []*appsv1.DaemonSet{plain, divided} {
		want[0].Values = []string{agent.Spec.Template.Spec.PriorityClassName}
		if diff := cmp.Diff(want, quota.Spec.ScopeSelector.MatchExpressions); diff != "" || agent.Namespace != quota.Namespace {
			t.Errorf("%s is for namespace %s, %s is in %s; -want +got:\n%s", name, quota.Namespace, agent.Name, agent.Namespace, diff)
		}
		if pods := quota.Spec.Hard[corev1.ResourcePods]; pods.Value() < 5000 { // nodes that Kubernetes is tested with
			t.Errorf("%s allows %d pods", name, pods.Value())
		}
	}
}

// agents reads the two DaemonSets of the node agent.
func agents(t *testing.T) (plain, divided *appsv1.DaemonSet) {
	t.Helper()
	all := files(t, func(name string) bool { return strings.HasPrefix(name, "manifests/node/daemonset") })
	plain, divided = &appsv1.DaemonSet{}, &appsv1.DaemonSet{}
	for name, into := range map[string]*appsv1.DaemonSet{"daemonset.yaml": plain, "daemonset-resctrl.yaml": divided} {
		if err := yaml.UnmarshalStrict(all["manifests/node/"+name], into); err != nil || len(into.Spec.Template.Spec.Containers) != 1 {
			t.Fatalf("%s: %v, %d containers, want one", name, err, len(into.Spec.Template.Spec.Containers))
		}
	}
	return plain, divided
}

func TestAgentsAgree(t *testing.T) {
	plain, divided := agents(t)
	report(t, agentDifferences(plain, divided))
	// A mount of resctrl that is made after the pod started has to reach it.
	if !slices.ContainsFunc(divided.Spec.Template.Spec.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool {
		return m.Name == "resctrl" && m.MountPropagation != nil && *m.MountPropagation == corev1.MountPropagationHostToContainer
	}) {
		t.Error("manifests/node/daemonset-resctrl.yaml: the mount of resctrl wants mountPropagation HostToContainer")
	}
}

func TestAgentsAgreeFindsViolations(t *testing.T) {
	for want, change := range map[string]func(*appsv1.DaemonSet){
		"cpu":                    func(d *appsv1.DaemonSet) { delete(d.Spec.Template.Spec.Containers[0].Resources.Requests, "cpu") },
		"--v=9":                  func(d *appsv1.DaemonSet) { d.Spec.Template.Spec.Containers[0].Command[6] = "--v=9" },
		"app.kubernetes.io/name": func(d *appsv1.DaemonSet) { d.Spec.Selector.MatchLabels["app.kubernetes.io/name"] = "ballast-node" },
	} {
		plain, divided := agents(t)
		change(divided)
		expect(t, agentDifferences(plain, divided), want)
	}
}
