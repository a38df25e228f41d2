package localcluster

import (
	"fmt"
	"os"
	"path/filepath"
)

// ToolsEnv is the environment variable that names the folder of the tools, before any other place is looked at.
const ToolsEnv = "BALLAST_TOOLS"

// stagesPath is where the tool builder puts KWOK's stages, relative to the folder of the binaries.
const stagesPath = "../share/kwok/stages.yaml"

// requiredTools are the programs that Start runs, and kubectl, with which ApplyFiles renders kustomizations.
func requiredTools() []string {
	return []string{"etcd", "kube-apiserver", "kube-controller-manager", "kwok", "kubectl"}
}

// FindTools returns the folder of the control-plane binaries: $BALLAST_TOOLS if it is set; else .tools/bin in the working
// directory or the closest of its parents that has one; else the same seen from the running program. The error wraps
// ErrToolMissing and says how to build them.
func FindTools() (string, error) {
	if dir := os.Getenv(ToolsEnv); dir != "" {
		return dir, nil
	}
	var starts []string
	if dir, err := os.Getwd(); err == nil {
		starts = append(starts, dir)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, start := range starts {
		for dir := start; ; dir = filepath.Dir(dir) {
			bin := filepath.Join(dir, ".tools", "bin")
			if info, err := os.Stat(bin); err == nil && info.IsDir() {
				return bin, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", fmt.Errorf("%w: no folder .tools/bin in %q or above it: run `make tools` in the checkout, or set %s",
		ErrToolMissing, starts, ToolsEnv)
}

// checkTools verifies that everything Start needs stands in dir, and returns the path of KWOK's stages.
func checkTools(dir string) (stages string, err error) {
	for _, name := range requiredTools() {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return "", fmt.Errorf("%w: %s not found in %s: run `make tools`", ErrToolMissing, name, dir)
		}
	}
	stages = filepath.Join(dir, stagesPath)
	if _, err := os.Stat(stages); err != nil {
		return "", fmt.Errorf("%w: KWOK's stages not found at %s: run `make tools`", ErrToolMissing, stages)
	}
	return stages, nil
}
