package main

import (
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
)

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	code, _, stderr := clitest.Run(t, verbs(), "fly")
	if code != cli.ExitUsage || !strings.Contains(stderr, `unknown command "fly"`) {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	t.Parallel()
	for _, cmd := range cli.Root(verbs()...).Commands() {
		for _, c := range append(cmd.Commands(), cmd) {
			if c.Hidden {
				continue
			}
			if c.Example == "" || c.Short == "" {
				t.Errorf("%s has no example or no description", c.CommandPath())
			}
		}
	}
}
