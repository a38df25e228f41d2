package main

import (
	"fmt"
	"strconv"
	"strings"
)

// scenario is a cluster and the number of containers of its batches.
type scenario struct{ nodes, containers int }

// allScenarios are those of the paper, and 27 nodes at 93 % of their slots as the dense case.
const allScenarios = "81/200,81/300,81/400,27/200,729/1000,729/2000,729/3000"

// slots is how many containers a node takes: 16 vCPU and 64 GB, of which one has 2 and 8 (SC'20, 6.1).
const slots = 8

func (s scenario) String() string { return fmt.Sprintf("%d/%d", s.nodes, s.containers) }

func parseScenarios(text string) ([]scenario, error) {
	var scenarios []scenario
	for part := range strings.SplitSeq(text, ",") {
		nodes, containers, ok := strings.Cut(strings.TrimSpace(part), "/")
		n, err1 := strconv.Atoi(nodes)
		c, err2 := strconv.Atoi(containers)
		if !ok || err1 != nil || err2 != nil || n < 1 || c < 1 || c > n*slots {
			return nil, usageError{fmt.Sprintf("-scenarios %q: expected nodes/containers, at most %d a node, such as 81/200", part, slots)}
		}
		scenarios = append(scenarios, scenario{n, c})
	}
	return scenarios, nil
}
