// Command ociimage writes a container image that holds one static binary and nothing else, without a container runtime. The tar
// file is an OCI image layout and a docker archive at once: `docker load`, `ctr images import`, `podman load` and skopeo read it.
//
//	ociimage -binary bin/ballast-scheduler -tag docker.io/ballast-k8s/ballast-scheduler:v1 -out out/images/ballast-scheduler.tar
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// user runs the binary: an unprivileged number, because an image without /etc/passwd knows no names.
const user = "65532:65532"

type object = map[string]any

// file is a file of a tar archive, in memory.
type file struct {
	name string
	mode int64
	data []byte
}

func main() {
	binary := flag.String("binary", "", "static binary to wrap; its name becomes the entry point")
	tag := flag.String("tag", "", "image `reference`, with its registry: containerd keeps the name as given, and looks for the full one")
	out := flag.String("out", "", "tar `file` to write")
	arch := flag.String("arch", runtime.GOARCH, "architecture the binary is built for")
	flag.Parse()
	if *binary == "" || *tag == "" || *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(*binary, *tag, *arch, *out); err != nil {
		fmt.Fprintln(os.Stderr, "ociimage:", err)
		os.Exit(3)
	}
}

// write wraps a binary into an image file.
func write(binary, tag, arch, out string) error {
	b, err := os.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("reading the binary: %w", err)
	}
	files, err := image(filepath.Base(binary), b, tag, arch)
	if err != nil {
		return err
	}
	archive, err := pack(files)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, archive, 0o644); err != nil {
		return fmt.Errorf("writing the image: %w", err)
	}
	return nil
}

// image returns the files of the image. They depend on the arguments alone: the same binary makes the same image.
func image(name string, binary []byte, tag, arch string) ([]file, error) {
	content, err := pack([]file{{name, 0o755, binary}})
	if err != nil {
		return nil, err
	}
	layer := compress(content)
	config := encode(object{
		"architecture": arch, "os": "linux",
		"config": object{"Entrypoint": []string{"/" + name}, "User": user},
		"rootfs": object{"type": "layers", "diff_ids": []string{digest(content)}},
	})
	const media = "application/vnd.oci.image."
	manifest := encode(object{
		"schemaVersion": 2, "mediaType": media + "manifest.v1+json",
		"config": descriptor(media+"config.v1+json", config),
		"layers": []object{descriptor(media+"layer.v1.tar+gzip", layer)},
	})
	top := descriptor(media+"manifest.v1+json", manifest)
	top["annotations"] = object{"io.containerd.image.name": tag, "org.opencontainers.image.ref.name": tag}
	docker := []object{{"Config": path(config), "RepoTags": []string{tag}, "Layers": []string{path(layer)}}}
	return []file{
		{"oci-layout", 0o644, encode(object{"imageLayoutVersion": "1.0.0"})},
		{"index.json", 0o644, encode(object{"schemaVersion": 2, "mediaType": media + "index.v1+json", "manifests": []object{top}})},
		{"manifest.json", 0o644, encode(docker)},
		{path(config), 0o644, config},
		{path(manifest), 0o644, manifest},
		{path(layer), 0o644, layer},
	}, nil
}

func digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

// path is where an OCI layout keeps a blob.
func path(blob []byte) string { return fmt.Sprintf("blobs/sha256/%x", sha256.Sum256(blob)) }

func descriptor(mediaType string, blob []byte) object {
	return object{"mediaType": mediaType, "digest": digest(blob), "size": len(blob)}
}

// encode writes strings, numbers, maps and slices of them as JSON, which cannot fail.
func encode(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

// compress cannot fail: it writes to memory.
func compress(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(b)
	_ = w.Close()
	return buf.Bytes()
}

// pack writes a tar archive without times and owners.
func pack(files []file) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.data))}); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.name, err)
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return buf.Bytes(), nil
}
