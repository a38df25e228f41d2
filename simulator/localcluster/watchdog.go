package localcluster

import (
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// watchdogScript cleans up after a caller that can no longer do it. It blocks on its standard input, a pipe that only the caller holds
// open, and reads nothing unless the caller says "done". At the end of the file the kernel has already killed the direct children
// (parent-death signal); what they started themselves is found by the cluster's mark in its environment, which, unlike a
// process id, cannot belong to somebody else. The folder is removed more than once because a dying process may still write into it.
const watchdogScript = `
read -r word
[ "$word" = done ] && exit 0
cd / || exit 1
for try in 1 2 3 4 5; do
	sleep 0.2
	for file in $(grep -lsF -- "$2" /proc/[0-9]*/environ); do
		pid=${file#/proc/}
		kill -KILL "${pid%/environ}" 2>/dev/null
	done
	rm -rf -- "$1" 2>/dev/null
	[ -e "$1" ] || exit 0
done
exit 1
`

// watchdog is the process that outlives us if we are killed.
type watchdog struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// clusterEnv is the environment entry that marks the processes of the cluster in dir. The trailing slash and dot end the name: no
// other cluster's entry contains it.
func clusterEnv(dir string) string { return "BALLAST_CLUSTER_DIR=" + dir + "/." }

// startWatchdog starts it in its own session, where neither Ctrl-C nor a closed terminal reaches it. It deliberately has no
// parent-death signal and not the cluster's mark.
func startWatchdog(dir string) (*watchdog, error) {
	cmd := exec.Command("/bin/sh", "-c", watchdogScript, "ballast-watchdog", dir, clusterEnv(dir))
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("making the watchdog's pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	return &watchdog{cmd: cmd, stdin: stdin}, nil
}

// dismiss tells the watchdog that everything is cleaned up and waits for its end. Without the word it cleans up itself.
func (w *watchdog) dismiss(cleaned bool) {
	if cleaned {
		_, _ = io.Copy(w.stdin, strings.NewReader("done\n")) // a watchdog that is gone already needs no word
	}
	_ = w.stdin.Close()
	_ = w.cmd.Wait()
}
