// Command workload is what pods of the tests on a node in a virtual machine run: one static binary, the only content of their image.
//
//	workload                          waits until it is told to end: the first container of every pod, and a pod that does nothing
//	workload burn                     takes all CPU it can get, on one thread
//	workload reread <file> <bytes>    writes a file of that size and reads it over and over: with less memory than that, from the disk each time
//	workload lines <file>...          prints files, each line after the file's name and a blank
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	go func() { // the first process of a container is not ended by signals that it does not ask for
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
		<-ended
		os.Exit(0)
	}()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "workload:", err)
		os.Exit(2)
	}
}

// run does what the arguments say; all but lines has no end.
func run(args []string) error {
	switch {
	case len(args) == 0:
		select {}
	case args[0] == "burn" && len(args) == 1:
		for n := uint(0); ; n++ { // it needs no memory and asks nobody for anything
		}
	case args[0] == "reread" && len(args) == 3:
		size, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			return err
		}
		return reread(args[1], size)
	case args[0] == "lines":
		return lines(os.Stdout, args[1:])
	}
	return fmt.Errorf("wrong arguments %q", args)
}

// lines reads one file after the other.
func lines(to io.Writer, names []string) error {
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if _, err := fmt.Fprint(to, name, " ", line); err != nil {
				return err
			}
		}
	}
	return nil
}

// reread returns on errors only.
func reread(name string, size int64) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(file, zeros{}, size); err != nil {
		return err
	}
	if err := file.Sync(); err != nil { // pages that are not on the disk yet cannot be dropped
		return err
	}
	for {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, file); err != nil {
			return err
		}
	}
}

// zeros reads as zeros without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
