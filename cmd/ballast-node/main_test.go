package main

import (
	"strings"
	"testing"
)

func TestNodeNameIsRequired(t *testing.T) {
	cmd := newCommand()
	cmd.SetArgs(nil)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "--node-name is required") {
		t.Errorf("error %v", err)
	}
}
