package realnodes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

func TestCheckTools(t *testing.T) {
	dir := t.TempDir()
	for _, name := range tools {
		err := CheckTools(dir)
		if !errors.Is(err, localcluster.ErrToolMissing) || !strings.Contains(err.Error(), name+" not found") || !strings.Contains(err.Error(), "toolbuild") {
			t.Errorf("got %v, want it to name %s and what to run", err, name)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := CheckTools(dir); err != nil {
		t.Errorf("with all tools: %v", err)
	}
}

// TestOutside asks for nodes outside of a sandbox: nothing must happen.
func TestOutside(t *testing.T) {
	if _, err := Start(t.Context(), nil, Config{Count: 1}); err == nil || !strings.Contains(err.Error(), "sandbox") {
		t.Errorf("got %v, want it to say where nodes can be", err)
	}
}

func TestAtAddress(t *testing.T) {
	got, err := atAddress("https://127.0.0.1:20123", ControlPlaneAddress)
	if err != nil || got != "https://192.168.77.1:20123" {
		t.Errorf("got %q, %v", got, err)
	}
}
