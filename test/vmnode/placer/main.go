// Command placer is what a pod of the tests on a node in a virtual machine runs: package plugins/node/placement with one wish.
//
//	placer <socket> <cores> <pod>    limits that pod of the namespace default to so many cores through the runtime's NRI socket, until SIGTERM
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "placer:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if len(args) != 3 {
		return fmt.Errorf("wrong arguments %q", args)
	}
	cores, err := strconv.ParseFloat(args[1], 64)
	if err != nil {
		return err
	}
	p := placement.New(placement.Options{Socket: args[0], Machine: os.DirFS("/"), Cgroup: "/sys/fs/cgroup", Clock: clock.RealClock{}})
	p.Wish(placement.Wish{
		Act:        true,
		Partitions: []membership.Partition{{Name: "batch", Members: []membership.Member{{Namespace: "default", Pod: args[2]}}}},
		Cores:      map[string]float64{"batch": cores},
	})
	return p.Run(ctx)
}
