package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

// reportFD is the file descriptor on which the background supervisor tells `up` how far it is.
const reportFD = 3

// startReport is one message from the supervisor: a step, or the end of the start, good or bad.
type startReport struct {
	Step        string         `json:"step,omitempty"`
	Done, Total int            `json:",omitempty"`
	Ready       *clusterRecord `json:"ready,omitempty"`
	Error       string         `json:"error,omitempty"`
	Code        int            `json:"code,omitempty"`
}

// superviseInBackground is the background process: it reports until the cluster is ready and then runs until SIGTERM. If whoever started
// it goes away before that, the cluster is given up: nobody would know of it.
func superviseInBackground(ctx context.Context, options upOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pipe := os.NewFile(reportFD, "report")
	if pipe == nil {
		return cli.Usage("--supervise is for `ballast cluster up` itself")
	}
	// Our children must not keep the pipe open.
	syscall.CloseOnExec(reportFD)
	reports := json.NewEncoder(pipe)
	s := supervisor{home: findClusterHome(), options: options}
	s.show = func(step string, done, total int) {
		if err := reports.Encode(startReport{Step: step, Done: done, Total: total}); err != nil {
			cancel()
		}
	}
	s.ready = func(record clusterRecord) error {
		return errors.Join(reports.Encode(startReport{Ready: &record}), pipe.Close())
	}
	err := s.run(ctx)
	if err != nil {
		_ = reports.Encode(startReport{Error: err.Error(), Code: cli.Code(err)}) // closed if the cluster was ready: then the record has it
	}
	return err
}

// startSupervisor starts the background process, shows what it reports and returns when the cluster is ready or has failed.
func startSupervisor(cmd *cobra.Command, self []string, options upOptions) error {
	home := findClusterHome()
	if err := home.open(); err != nil {
		return err
	}
	args, err := supervisorArgs(cmd, self[1:], options.tools)
	if err != nil {
		return err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer reader.Close()
	log, err := os.OpenFile(home.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(fmt.Errorf("opening the supervisor's log: %w", err), writer.Close())
	}
	process := exec.Command(self[0], args...) // it must survive the end of our context
	process.Dir = "/"
	process.Stdout, process.Stderr = log, log
	process.ExtraFiles = []*os.File{writer}
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = process.Start()
	if err := errors.Join(err, writer.Close(), log.Close()); err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	// Ctrl-C reaches only us: pass it on, then wait until everything is cleaned up.
	defer context.AfterFunc(cmd.Context(), func() { _ = process.Process.Signal(syscall.SIGTERM) })()
	display := cli.NewProgress(cmd.ErrOrStderr())
	defer display.Close()
	record, err := followReports(reader, home.log(), display)
	if err != nil {
		_ = process.Wait() // its error is the one reported
		if ctxErr := context.Cause(cmd.Context()); ctxErr != nil {
			return ctxErr
		}
		return err
	}
	display.Close()
	announce(cmd.OutOrStdout(), cmd.ErrOrStderr(), *record, options.nodes)
	return nil
}

// supervisorArgs repeats our flags for the supervisor, with the tools' folder made absolute: it runs in another working directory.
func supervisorArgs(cmd *cobra.Command, self []string, tools string) ([]string, error) {
	if tools == "" {
		found, err := localcluster.FindTools()
		if err != nil {
			return nil, fmt.Errorf("starting a local cluster: %w", err)
		}
		tools = found
	}
	tools, err := filepath.Abs(tools)
	if err != nil {
		return nil, fmt.Errorf("resolving the folder of the tools: %w", err)
	}
	args := append(slices.Clone(self), "cluster", "up", "--supervise", "--tools="+tools)
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "tools" {
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	return args, nil
}

// followReports shows reports until the cluster is ready.
func followReports(r io.Reader, log string, display *cli.Progress) (*clusterRecord, error) {
	reports := json.NewDecoder(r)
	for {
		var next startReport
		if err := reports.Decode(&next); err != nil {
			return nil, fmt.Errorf("the supervisor ended without a word (%w); its output is in %s", err, log)
		}
		switch {
		case next.Ready != nil:
			return next.Ready, nil
		case next.Error != "":
			return nil, cli.Coded(errors.New(next.Error), next.Code)
		}
		display.Show(next.Step, next.Done, next.Total)
	}
}
