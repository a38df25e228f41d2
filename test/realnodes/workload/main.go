// Command workload is what pods of the tests on real nodes run: one static binary, the only content of their image.
//
//	workload                       waits until it is told to end: the first container of every pod
//	workload serve <CPU time>      HTTP server on port 8080; each request takes this much CPU, for example 5ms, and is answered then
//	workload burn <threads>        takes all CPU it can get, on so many threads
//	workload pulse <CPU time>      takes this much CPU every 10 ms, for example 3ms, which is 0.3 cores
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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

// run does what the arguments say, without an end.
func run(args []string) error {
	if len(args) == 0 {
		select {}
	}
	if len(args) != 2 {
		return fmt.Errorf("wrong arguments %q", args)
	}
	switch args[0] {
	case "serve":
		work, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		return serve(work)
	case "burn":
		threads, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		for range threads {
			go burn(1 << 62)
		}
		select {}
	case "pulse":
		work, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		for range time.Tick(10 * time.Millisecond) {
			burn(work)
		}
	}
	return fmt.Errorf("unknown verb %q", args[0])
}

// serve answers each request after it has taken this much CPU. The answer is the time that took.
func serve(work time.Duration) error {
	fmt.Fprintln(os.Stdout, "serving")
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		begin := time.Now()
		burn(work)
		fmt.Fprintln(w, time.Since(begin))
	})}
	return server.ListenAndServe()
}

// burn computes until its thread has used this much CPU time, however long that takes: what is fixed is the work, not the wait.
func burn(work time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for end := used() + work; used() < end; {
		for range 2000 { // a microsecond
		}
	}
}

// used is the CPU time of the calling thread.
func used() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 1 << 62 // Linux has this clock; without it no work is better than work without end
	}
	return time.Duration(t.Nano())
}
