package node

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// head begins an object; metadata of a newer server are no reason to refuse it.
const head = "apiVersion: ballast.dev/v1alpha1\nkind: NodeIsolation\nmetadata: {name: a, novel: 1}\n"

func TestDecodeIsolation(t *testing.T) {
	const wish = "spec:\n  partitions:\n  - {name: lc, caches: [{cache: L3, ways: 4}], bandwidth: [{percent: 50}]}\n"
	for _, c := range []struct{ name, text, want string }{ // want: in the error; empty: the wish
		{"object", head + wish, ""},
		{"JSON", `{"apiVersion": "ballast.dev/v1alpha1", "kind": "NodeIsolation", "metadata": {"name": "a"}, "spec": {"partitions": [
			{"name": "lc", "bandwidth": [{"percent": 50}]}]}}`, ""},
		{"comments around it", "# first\n---\n" + head + wish + "---\n# last\n", ""},
		{"status of a newer version", head + wish + "status: {novel: [1], partitions: 3}\n", ""},
		{"second object", head + wish + "---\n" + head + wish, "more than one document"},
		{"second of another kind", head + wish + "---\nkind: ConfigMap\n", "more than one document"},
		{"misspelt in the spec", head + strings.Replace(wish, "ways", "wayz", 1), `unknown field "spec.partitions[0].caches[0].wayz"`},
		{"misspelt spec", head + strings.Replace(wish, "spec", "specs", 1), `unknown field "specs"`},
		{"twice", head + wish + wish, `"spec" already set`},
		{"other kind", "apiVersion: v1\nkind: ConfigMap\n", `kind "ConfigMap" of "v1", want NodeIsolation`},
		{"nothing", "# nothing\n", `kind "" of ""`},
		{"not YAML", "a: [", "a NodeIsolation object is expected"},
	} {
		spec, err := decodeIsolation(t.Context(), []byte(c.text))
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want one that says %q", c.name, err, c.want)
			}
		case err != nil || len(spec.Partitions) != 1 || spec.Partitions[0].Name != "lc" || spec.Partitions[0].Bandwidth[0].Resource != "MB":
			t.Errorf("%s: %+v, %v, want partition lc, limited in the resource that is the default", c.name, spec, err)
		}
	}
	if spec, err := decodeIsolation(t.Context(), []byte(head)); err != nil || len(spec.Partitions) != 0 {
		t.Errorf("without a spec: %+v, %v, want no partitions", spec, err)
	}
}

// TestPlanRefusesWhatTheServerDoes: each of these is refused on kubectl apply, by the schema or a rule of the type. The plan must not differ.
func TestPlanRefusesWhatTheServerDoes(t *testing.T) {
	root := nodeTree(t, "0")
	const act = "{partitions: [{name: be, role: Batch}], control: {mode: Act, setPoints: [%]}}"
	point := func(p string) string { return strings.Replace(act, "%", p, 1) }
	partition := func(fields string) string { return "{partitions: [{name: a, " + fields + "}]}" }
	for _, c := range []struct{ name, spec, want string }{
		{"role", partition("role: Foo"), `spec.partitions[0].role: Unsupported value: "Foo": supported values: "Latency", "Batch"`},
		{"two of batch", "{partitions: [{name: a, role: Batch}, {name: b, role: Batch}]}", "spec.partitions: Invalid value: only one partition may have role Batch"},
		{"nothing to act on", "{partitions: [{name: a}], control: {mode: Act}}", "control.mode Act needs a partition of role Batch"},
		{"lower-case mode", "{control: {mode: act}}", `spec.control.mode: Unsupported value: "act"`},
		{"eviction", "{control: {eviction: Yes}}", "spec.control.eviction: "}, // a boolean in YAML
		{"eviction as text", `{control: {eviction: "Yes"}}`, `spec.control.eviction: Unsupported value: "Yes"`},
		{"no peak", "{control: {peakMBps: 0}}", "spec.control.peakMBps: Invalid value: 0"},
		{"negative peak", "{control: {peakMBps: -5}}", "spec.control.peakMBps: Invalid value: -5"},
		{"set-point for nobody", point("{signal: CPI, milliTarget: 5}"), "spec.control.setPoints[0]: Invalid value: give qosClass, namespace or pod"},
		{"unknown signal", point("{namespace: a, signal: Foo, milliTarget: 5}"), "spec.control.setPoints[0].signal: Unsupported value"},
		{"no target", point("{namespace: a, signal: CPI}"), "spec.control.setPoints[0].milliTarget: Required value"},
		{"target 0", point("{namespace: a, signal: CPI, milliTarget: 0}"), "spec.control.setPoints[0].milliTarget: Invalid value: 0"},
		{"pressure of 200 %", point("{namespace: a, signal: CPUPressure, milliTarget: 2000}"), "milliTarget of CPUPressure is a share of time"},
		{"member of nothing", partition("members: [{}]"), "spec.partitions[0].members[0]: Invalid value: give qosClass, namespace or pod"},
		{"lower-case class", partition("members: [{qosClass: burstable}]"), "spec.partitions[0].members[0].qosClass: Unsupported value"},
		{"part of a namespace", partition(`members: [{namespace: "Shop*"}]`), "must be the whole name of a namespace"},
		{"star within a name", partition(`members: [{pod: "w*b"}]`), "must be the name of a pod"},
		{"to without from", partition("caches: [{cache: L3, to: 4}]"), "spec.partitions[0].caches[0]: Invalid value: from and to belong together"},
		{"ways and from", partition("caches: [{cache: L3, ways: 2, from: 0}]"), "give either ways, or from and to"},
		{"no ways", partition("caches: [{cache: L3, ways: 0, from: 0, to: 4}]"), "spec.partitions[0].caches[0].ways: Invalid value: 0"},
		{"two units", partition("bandwidth: [{percent: 100, mbps: 0}]"), "spec.partitions[0].bandwidth[0].mbps: Invalid value: 0"},
		{"two units that are right", partition("bandwidth: [{percent: 100, mbps: 1}]"), "give either percent or mbps"},
		{"no resource", partition(`bandwidth: [{resource: "", percent: 5}]`), `spec.partitions[0].bandwidth[0].resource: Unsupported value: ""`},
		{"default group", "{partitions: [{name: .}]}", `spec.partitions[0].name: Invalid value: "."`},
		{"name twice", "{partitions: [{name: a}, {name: a}]}", "spec.partitions[1]: Duplicate value"},
		{"domain twice", partition("caches: [{cache: L3, ways: 2, domains: [0, 0]}]"), "domains[1]: Duplicate value: 0"},
		{"domain beyond 32 bits", partition("caches: [{cache: L3, ways: 2, domains: [4294967296]}]"), "format int32 in spec.partitions[0].caches[0].domains[0]"},
		{"half a way", partition("caches: [{cache: L3, ways: 2.5}]"), "spec.partitions[0].caches[0].ways: Invalid value"},
		{"case of a field", "{Partitions: [{name: a}]}", `unknown field "spec.Partitions"; names are case-sensitive`},
		{"case of a field within", "{partitions: [{Name: a}]}", `unknown field "spec.partitions[0].Name"`},
		{"a list", "[]", "spec: Invalid value"},
	} {
		refused(t, root, c.name, head+"spec: "+c.spec+"\n", c.want)
	}
	for _, c := range []struct{ name, metadata, want string }{
		{"name of no node", `{name: Not A Node}`, `metadata.name: Invalid value: "Not A Node"`},
		{"no name", `{}`, "metadata.name: Required value"},
		{"case of the name", `{Name: a}`, "metadata.name: Required value"},
		{"a list", `[a]`, "metadata: json: cannot unmarshal array"},
		{"namespace", `{name: a, namespace: b}`, "metadata.namespace: Forbidden"},
	} {
		refused(t, root, c.name, "apiVersion: ballast.dev/v1alpha1\nkind: NodeIsolation\nmetadata: "+c.metadata+"\n", c.want)
	}
	refused(t, root, "no metadata", "apiVersion: ballast.dev/v1alpha1\nkind: NodeIsolation\n", "metadata.name: Required value")
}

// refused plans by an object, which must fail with the file's name and want.
func refused(t *testing.T, root, name, object, want string) {
	t.Helper()
	wish := filepath.Join(t.TempDir(), "wish.yaml")
	if err := os.WriteFile(wish, []byte(object), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), cli.Root(Command()), []string{"node", "plan", "--root", root, "--isolation", wish}, &stdout, &stderr)
	if code != cli.ExitFailed || !strings.Contains(stderr.String(), wish+": ") || !strings.Contains(stderr.String(), want) || stdout.Len() > 0 {
		t.Errorf("%s: exit code %d, want %d and %q in:\n%s%s", name, code, cli.ExitFailed, want, stdout.String(), stderr.String())
	}
}
