package eviction

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// holds is a request that holds at a moment: node n1 asks for jobs/sort-1, of its partition be.
func holds(now time.Time) Question {
	report := metav1.NewTime(now.Add(-time.Minute))
	return Question{
		Now: now, Mode: v1alpha1.Active,
		Node: &v1alpha1.NodeIsolation{
			TypeMeta:   metav1.TypeMeta{APIVersion: "ballast.dev/v1alpha1", Kind: "NodeIsolation"},
			ObjectMeta: metav1.ObjectMeta{Name: "n1", UID: "node-uid"},
			Spec: v1alpha1.NodeIsolationSpec{
				Partitions: []v1alpha1.NodePartition{
					{Name: "lc", Role: v1alpha1.RoleLatency, Members: []v1alpha1.PartitionMember{{Namespace: "shop"}, {Namespace: "jobs", Pod: "urgent-*"}}},
					{Name: "be", Role: v1alpha1.RoleBatch, Members: []v1alpha1.PartitionMember{
						{QOSClass: "BestEffort"}, {Namespace: "jobs"}, {Namespace: "kube-system"}, {Namespace: "ballast-system"}, {Namespace: "ballast-node"},
					}},
					{Name: "other", Members: []v1alpha1.PartitionMember{{Namespace: "other"}}},
				},
				Control: &v1alpha1.LocalControl{Mode: v1alpha1.ControlAct, Eviction: v1alpha1.EvictionLastStep},
			},
			Status: v1alpha1.NodeIsolationStatus{
				LastReport: &report,
				Control: &v1alpha1.LocalControlStatus{Mode: v1alpha1.ControlAct, Evict: &v1alpha1.EvictionRequest{
					Namespace: "jobs", Pod: "sort-1", UID: "u1", Why: "shop/web waits 0.41 s a second, 0.2 is its bound; batch has 50 of 50 milli-CPU", Time: report,
				}},
			},
		},
		Pod: &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "jobs", Name: "sort-1", UID: "u1", OwnerReferences: []metav1.OwnerReference{{Kind: "Job", Name: "sort"}}},
			Spec:       corev1.PodSpec{NodeName: "n1", Priority: new(int32(0))},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning, QOSClass: corev1.PodQOSBurstable},
		},
	}
}

// move lets the request be about a pod of another name.
func move(q *Question, namespace, pod string) {
	r := q.Node.Status.Control.Evict
	r.Namespace, r.Pod, q.Pod.Namespace, q.Pod.Name = namespace, pod, namespace, pod
}

func TestJudge(t *testing.T) {
	report := func(q *Question) *metav1.Time { return q.Node.Status.LastReport }
	request := func(q *Question) *v1alpha1.EvictionRequest { return q.Node.Status.Control.Evict }
	for name, c := range map[string]struct {
		change func(*Question)
		want   Outcome
		why    string
	}{
		"holds":                       {func(*Question) {}, Permitted, ""},
		"shadow":                      {func(q *Question) { q.Mode = v1alpha1.Shadow }, WouldEvict, "shadow"},
		"off":                         {func(q *Question) { q.Mode = v1alpha1.Off }, Refused, "off"},
		"no mode":                     {func(q *Question) { q.Mode = "" }, Refused, "off"},
		"never":                       {func(q *Question) { q.Node.Spec.Control.Eviction = v1alpha1.EvictionNever }, Refused, "not LastStep"},
		"no policy":                   {func(q *Question) { q.Node.Spec.Control.Eviction = "" }, Refused, "not LastStep"},
		"no control":                  {func(q *Question) { q.Node.Spec.Control = nil }, Refused, "not LastStep"},
		"observes":                    {func(q *Question) { q.Node.Spec.Control.Mode = v1alpha1.ControlObserve }, Refused, "not Act"},
		"nothing asked":               {func(q *Question) { q.Node.Status.Control = nil }, Refused, "nothing is asked"},
		"namespace":                   {func(q *Question) { request(q).Namespace = "jobs/x" }, Refused, `"jobs/x" is no name of a namespace`},
		"no namespace":                {func(q *Question) { request(q).Namespace = "" }, Refused, "no name of a namespace"},
		"pod's name":                  {func(q *Question) { request(q).Pod = "../secrets\n" }, Refused, `"../secrets " is no name of a pod`},
		"no UID":                      {func(q *Question) { request(q).UID, q.Pod.UID = "", "" }, Refused, "no UID"},
		"no report":                   {func(q *Question) { q.Node.Status.LastReport = nil }, Refused, "no time"},
		"report of 3 minutes":         {func(q *Question) { report(q).Time = q.Now.Add(-3 * time.Minute) }, Permitted, ""},
		"report, older":               {func(q *Question) { report(q).Time = q.Now.Add(-3*time.Minute - time.Second) }, Refused, "report of 2026-03-01T11:56:59Z is older than 3m0s"},
		"report of the future":        {func(q *Question) { report(q).Time = q.Now.Add(61 * time.Second) }, Refused, "report of 2026-03-01T12:01:01Z is of the future"},
		"request of 2 minutes":        {func(q *Question) { request(q).Time.Time = q.Now.Add(-2 * time.Minute) }, Permitted, ""},
		"request, older":              {func(q *Question) { request(q).Time.Time = q.Now.Add(-2*time.Minute - time.Second) }, Refused, "request of 2026-03-01T11:57:59Z is older than 2m0s"},
		"request without time":        {func(q *Question) { request(q).Time = metav1.Time{} }, Refused, "older"},
		"request of a minute ahead":   {func(q *Question) { request(q).Time.Time = q.Now.Add(time.Minute) }, Permitted, ""},
		"request of the future":       {func(q *Question) { request(q).Time.Time = q.Now.Add(61 * time.Second) }, Refused, "future"},
		"no pod":                      {func(q *Question) { q.Pod = nil }, Gone, "there is no pod jobs/sort-1"},
		"another UID":                 {func(q *Question) { q.Pod.UID = "u2" }, Gone, "another UID"},
		"terminates":                  {func(q *Question) { q.Pod.DeletionTimestamp = new(metav1.NewTime(q.Now)) }, Gone, "being deleted"},
		"succeeded":                   {func(q *Question) { q.Pod.Status.Phase = corev1.PodSucceeded }, Gone, "has ended"},
		"failed":                      {func(q *Question) { q.Pod.Status.Phase = corev1.PodFailed }, Gone, "has ended"},
		"another node":                {func(q *Question) { q.Pod.Spec.NodeName = "n2" }, Refused, "does not run on this node"},
		"no node":                     {func(q *Question) { q.Pod.Spec.NodeName = "" }, Refused, "does not run on this node"},
		"another node's system pod":   {func(q *Question) { move(q, "kube-system", "dns"); q.Pod.Spec.NodeName = "n2" }, Refused, "does not run on this node"},
		"kube-system":                 {func(q *Question) { move(q, "kube-system", "dns") }, Refused, "namespace of the system"},
		"ballast-system":              {func(q *Question) { move(q, "ballast-system", "ballast-recommender-1") }, Refused, "namespace of the system"},
		"the agents":                  {func(q *Question) { move(q, "ballast-node", "ballast-node-1") }, Refused, "namespace of the system"},
		"users' highest priority":     {func(q *Question) { q.Pod.Spec.Priority = new(int32(1e9)) }, Permitted, ""},
		"priority system-*":           {func(q *Question) { q.Pod.Spec.Priority = new(int32(2e9)) }, Refused, "priority 2000000000"},
		"no priority":                 {func(q *Question) { q.Pod.Spec.Priority = nil }, Permitted, ""},
		"mirror":                      {func(q *Question) { q.Pod.Annotations = map[string]string{"kubernetes.io/config.mirror": "x"} }, Refused, "static"},
		"static":                      {func(q *Question) { q.Pod.Annotations = map[string]string{"kubernetes.io/config.source": "file"} }, Refused, "static"},
		"from the API":                {func(q *Question) { q.Pod.Annotations = map[string]string{"kubernetes.io/config.source": "api"} }, Permitted, ""},
		"DaemonSet":                   {func(q *Question) { q.Pod.OwnerReferences[0].Kind = "DaemonSet" }, Refused, "DaemonSet sort"},
		"of the node":                 {func(q *Question) { q.Pod.OwnerReferences[0].Kind = "Node" }, Refused, "static"},
		"without owner":               {func(q *Question) { q.Pod.OwnerReferences = nil }, Permitted, ""},
		"of no partition":             {func(q *Question) { move(q, "web", "sort-1") }, Refused, "belongs to no partition"},
		"by its QoS class":            {func(q *Question) { move(q, "web", "sort-1"); q.Pod.Status.QOSClass = corev1.PodQOSBestEffort }, Permitted, ""},
		"of a partition without role": {func(q *Question) { move(q, "other", "sort-1") }, Refused, "partition other, whose role is not Batch"},
		"the first partition counts":  {func(q *Question) { move(q, "jobs", "urgent-1") }, Refused, "partition lc, whose role is not Batch"},
	} {
		t.Run(name, func(t *testing.T) {
			q := holds(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
			c.change(&q)
			if d := Judge(q); d.Outcome != c.want || !strings.Contains(d.Why, c.why) || d.Why == "" {
				t.Errorf("%s: %q, want %s that says %q", d.Outcome, d.Why, c.want, c.why)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := NewBudget(Limits{PerNode: 5 * time.Minute, Window: time.Minute, InWindow: 2}, start)
	for _, step := range []struct {
		after time.Duration // the start
		node  string
		want  string // "": it is spent
	}{
		{0, "a", "leads since 2026-03-01T12:00:00Z"},
		{299 * time.Second, "a", "leads since"},
		{300 * time.Second, "a", ""},
		{300 * time.Second, "a", "the last eviction from the node was at 2026-03-01T12:05:00Z"},
		{310 * time.Second, "b", ""},
		{320 * time.Second, "c", "2 pods of the cluster were evicted within 1m0s"},
		{359 * time.Second, "c", "2 pods"},
		{360 * time.Second, "c", ""}, // that of a is a minute old
		{365 * time.Second, "d", "2 pods"},
		{599 * time.Second, "a", "the last eviction"},
		{600 * time.Second, "a", ""},
		{609 * time.Second, "b", "the last eviction"},
		{610 * time.Second, "b", ""},
	} {
		now := start.Add(step.after)
		why := b.Refuses(step.node, now)
		if !strings.Contains(why, step.want) || (why == "") != (step.want == "") {
			t.Errorf("%s after %s: %q, want %q", step.node, step.after, why, step.want)
		}
		if why == "" {
			b.Spend(step.node, now)
		}
	}
	if len(b.nodes) != 3 { // a, b and c: c's of 360 s is not 300 s old at 610 s
		t.Errorf("%d nodes are remembered, want 3", len(b.nodes))
	}
	b.Spend("z", start.Add(time.Hour))
	if len(b.nodes) != 1 || len(b.spent) != 1 {
		t.Errorf("%d nodes and %d evictions are remembered after an hour, want those of z", len(b.nodes), len(b.spent))
	}
}

func TestConfig(t *testing.T) {
	for perMinute, valid := range map[int]bool{-1: false, 0: false, 1: true, 60: true, 61: false} {
		if errs := (Config{PerMinute: perMinute}).Validate(nil); (len(errs) == 0) != valid {
			t.Errorf("perMinute %d: %v, want valid %v", perMinute, errs, valid)
		}
	}
	if errs := DefaultConfig().Validate(nil); len(errs) > 0 {
		t.Errorf("the defaults are not valid: %v", errs)
	}
}

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb\x1b[31m": "a b [31m", "abcdefghij": "abcdefghij", "abcdefghijk": "abcdefg...", "abcdefäää": "abcdef...", "a\xffb": "a?b",
	} {
		if got := sentence(text, 10); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
