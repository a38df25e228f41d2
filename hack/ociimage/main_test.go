package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// unpack reads a tar archive back.
func unpack(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	r := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
}

// TestWrite follows the image as both kinds of reader do, from index.json (OCI) and manifest.json (docker), to the binary.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	binary, out := filepath.Join(dir, "prog"), filepath.Join(dir, "prog.tar")
	if err := os.WriteFile(binary, []byte("static"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := write(binary, "docker.io/repo/prog:v1", "arm64", out); err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, archive)
	blob := func(digest string) []byte {
		b, ok := files["blobs/sha256/"+digest[len("sha256:"):]]
		if !ok {
			t.Fatalf("no blob %s", digest)
		}
		return b
	}

	var index struct {
		Manifests []struct {
			Digest      string
			Annotations map[string]string
		}
	}
	decode(t, files["index.json"], &index)
	if got := index.Manifests[0].Annotations["io.containerd.image.name"]; got != "docker.io/repo/prog:v1" {
		t.Errorf("containerd would name the image %q", got)
	}
	var manifest struct{ Config struct{ Digest string } }
	var layers struct{ Layers []struct{ Digest string } }
	decode(t, blob(index.Manifests[0].Digest), &manifest)
	decode(t, blob(index.Manifests[0].Digest), &layers)
	layer := blob(layers.Layers[0].Digest)
	content, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	uncompressed, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(unpack(t, uncompressed)["prog"]); got != "static" {
		t.Errorf("the layer holds %q, want the binary", got)
	}

	var config struct {
		Architecture string
		Config       struct{ Entrypoint []string }
		Rootfs       struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	decode(t, blob(manifest.Config.Digest), &config)
	if config.Architecture != "arm64" || config.Config.Entrypoint[0] != "/prog" || config.Rootfs.DiffIDs[0] != digest(uncompressed) {
		t.Errorf("config is %+v", config)
	}

	var docker []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	decode(t, files["manifest.json"], &docker)
	if d := docker[0]; d.RepoTags[0] != "docker.io/repo/prog:v1" || !bytes.Equal(files[d.Layers[0]], layer) || files[d.Config] == nil {
		t.Errorf("docker's manifest is %+v", d)
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	if err := write(filepath.Join(dir, "missing"), "a:b", "amd64", filepath.Join(dir, "out.tar")); err == nil {
		t.Error("no error for a missing binary")
	}
	if err := write(os.Args[0], "a:b", "amd64", filepath.Join(dir, "no", "such", "out.tar")); err == nil {
		t.Error("no error for a folder that does not exist")
	}
}
