package vmnode

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// diskSize is that of the node's file system: the kubelet wants a part of it free. The file takes what is in it, 300 MB and more.
const diskSize = "3G"

// tools are the programs of the node, in the folder of the cluster's own.
var tools = []string{"kubelet", "containerd", "containerd-shim-runc-v2", "ctr", "runc", "cni-bridge", "cni-host-local"}

// folders are those that programs expect on the node, empty.
var folders = []string{
	"dev", "proc", "sys", "run", "tmp", "root", "var/lib", "var/log", "sbin", "usr", "etc/node", "etc/cni/net.d", "images", "opt/bin", "bin", "lib",
}

// disk is the file of the node's disk.
func (n *Node) disk() string { return filepath.Join(n.dir, "disk.img") }

// makeDisk makes the node's file system: first as a folder, then as a file.
func (n *Node) makeDisk(ctx context.Context) error {
	root := filepath.Join(n.dir, "root")
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			return fmt.Errorf("making the node's folders: %w", err)
		}
	}
	if err := n.copyPrograms(ctx, root); err != nil {
		return err
	}
	if err := n.writeFiles(filepath.Join(root, "etc")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "sbin/init"), []byte(initScript), 0o755); err != nil {
		return fmt.Errorf("writing the node's first program: %w", err)
	}
	err := run(ctx, "mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=1,root_owner=0:0", "-d", root, n.disk(), diskSize)
	if err != nil {
		return err
	}
	return os.RemoveAll(root) // it is on the disk now
}

// copyPrograms copies all that the node executes, and the images.
func (n *Node) copyPrograms(ctx context.Context, root string) error {
	files := map[string]string{} // from where to where
	for _, name := range tools {
		files[filepath.Join(n.cluster.ToolDir(), name)] = filepath.Join("opt/bin", name)
	}
	for _, image := range n.config.Images {
		files[image] = filepath.Join("images", filepath.Base(image))
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	files[busybox] = "bin/busybox"
	libraries, err := librariesOf(ctx, filepath.Join(n.cluster.ToolDir(), "runc"))
	if err != nil {
		return err
	}
	for _, library := range libraries {
		files[library] = library
	}
	for from, to := range files {
		if err := copyFile(from, filepath.Join(root, to)); err != nil {
			return fmt.Errorf("copying a program of the node: %w", err)
		}
	}
	modules := filepath.Join(n.cluster.ToolDir(), kernelPath, "lib/modules")
	if err := os.CopyFS(filepath.Join(root, "lib/modules"), os.DirFS(modules)); err != nil {
		return fmt.Errorf("copying the kernel's modules: %w", err)
	}
	return nil
}

// library is how ldd names a file that the dynamic linker opens, or is.
var library = regexp.MustCompile(`(?m)^\s(?:\S+ => )?(/\S+) \(0x`)

// librariesOf returns the files that a program is linked to: runc, whose filter of system calls is a C library, is the only one that has any.
func librariesOf(ctx context.Context, program string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "ldd", program).Output()
	if err != nil {
		return nil, fmt.Errorf("running ldd %s: %w", program, err)
	}
	return parseLibraries(string(out)), nil
}

func parseLibraries(text string) []string {
	var found []string
	for _, match := range library.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// copyFile copies the content of a file, and gives everybody the right to execute it.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close() // the other error says more
		return err
	}
	return out.Close()
}
