package realnodes_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
)

// TestFailedStart starts nodes with an image that is not there: containerd runs by then, the kubelet does not.
func TestFailedStart(t *testing.T) {
	require(t)
	temp, before := t.TempDir(), takeSnapshot(t)
	var output strings.Builder
	p := program(temp, t.TempDir())
	p.Env = append(p.Env, roleEnv+"=fails")
	p.Stdout, p.Stderr = &output, &output
	if err := sandbox.Run(t.Context(), p); err == nil || !strings.Contains(output.String(), "no-such-image.tar") {
		t.Errorf("the start ended with %v and said %q, want it to name the image", err, output.String())
	}
	wantSame(t, before, others)
	wantEmpty(t, temp)
}

// fails is the program in the sandbox of TestFailedStart.
func fails() int {
	_, _, err := startNodes(context.Background(), "/no-such-image.tar")
	fmt.Println(err)
	return 1
}

// TestKilled kills the program that has the sandbox while containers run in it.
func TestKilled(t *testing.T) {
	require(t)
	binaries, temp := build(t), t.TempDir()
	before := takeSnapshot(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"=outer", binariesEnv+"="+binaries, "TMPDIR="+temp)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	if !said.Scan() || said.Text() != "running" {
		t.Errorf("the program said %q, want it to run", said.Text())
	}
	if marked, _ := processes(t); len(marked) < 10 { // else there would be nothing to leave behind
		t.Errorf("while it runs there are only %d processes: %q", len(marked), marked)
	}
	for _, dir := range sharers(t) {
		t.Errorf("a process of the sandbox is in the machine's own network: %s", dir)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	begin := time.Now()
	wantSame(t, before, others)
	wantEmpty(t, temp)
	t.Logf("nothing was left %s after the kill", time.Since(begin).Round(time.Millisecond))
}

// outer is the program that TestKilled kills.
func outer() int {
	p := program("", os.Getenv(binariesEnv))
	p.Env = append(p.Env, roleEnv+"=holds")
	fmt.Println(sandbox.Run(context.Background(), p)) // never
	return 1
}

// holds is what runs in its sandbox: two nodes, with a pod on each.
func holds() int {
	ctx := context.Background()
	cluster, nodes, err := startNodes(ctx, imageFile("workload"))
	for i := 0; err == nil && i < len(nodes); i++ {
		pod := newPod(fmt.Sprint("pod-", i), nodes[i].Name, "50m", "burn", "1")
		pod.Spec.NodeName = nodes[i].Name
		err = runPod(ctx, cluster, pod)
	}
	if err != nil {
		fmt.Printf("%q\n", err) // in one line
		return 1
	}
	fmt.Println("running")
	select {}
}
