// Package clitest runs command lines in tests of the verbs.
package clitest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// Run runs one command line with the given verbs, as main does, and returns what it printed. Verbs keep the flags of a run: they have to be
// new ones.
func Run(t *testing.T, verbs []*cobra.Command, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = cli.Run(t.Context(), cli.Root(verbs...), args, &out, &err)
	return code, out.String(), err.String()
}

// WriteTemp writes a file into a new folder and returns its path.
func WriteTemp(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
