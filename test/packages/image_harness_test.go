package packages

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// imageConfig is what an image says about how to run it.
type imageConfig struct {
	User         string
	Env          []string
	Entrypoint   []string
	Cmd          []string
	WorkingDir   string
	Volumes      map[string]struct{}
	ExposedPorts map[string]struct{}
	Healthcheck  struct{ Test []string }
}

// builder is buildah with a storage of its own.
type builder struct{ storage string }

func (b builder) command(args ...string) *exec.Cmd {
	return exec.Command("buildah", append([]string{"--root", b.storage + "/root", "--runroot", b.storage + "/run", "--storage-driver", "vfs"}, args...)...)
}

func (b builder) do(args ...string) (string, error) {
	out, err := b.command(args...).Output()
	var exit *exec.ExitError
	if err != nil && asExit(err, &exit) {
		return "", fmt.Errorf("buildah %s: %w\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// built is the image of the Dockerfile's target from-binary, unpacked.
type built struct {
	folder string // of its files
	config imageConfig
}

// buildImage builds the image once for all tests. Its context is the repository
// without what git ignores, and the binary.
var buildImage = sync.OnceValues(func() (*built, error) {
	file, err := gateway()
	if err != nil {
		return nil, err
	}
	context, err := copyRepository()
	if err != nil {
		return nil, err
	}
	if err := os.Link(file, filepath.Join(context, "wechat-gateway")); err != nil {
		return nil, err
	}
	b := builder{filepath.Join(scratch, "storage")}
	// Nothing is fetched: --pull-never.
	if _, err := b.do("build", "--isolation", "chroot", "--format", "docker", "--pull-never", "--target", "from-binary", "--tag", "wechat-gateway", context); err != nil {
		return nil, err
	}
	described, err := b.do("inspect", "--type", "image", "wechat-gateway")
	if err != nil {
		return nil, err
	}
	var image struct {
		Docker struct {
			Config imageConfig `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(described), &image); err != nil {
		return nil, err
	}
	container, err := b.do("from", "--pull-never", "wechat-gateway")
	if err != nil {
		return nil, err
	}
	folder, err := b.do("mount", container)
	return &built{folder, image.Docker.Config}, err
})

// copyRepository copies the files that git knows or would add.
func copyRepository() (string, error) {
	files, err := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return "", fmt.Errorf("git ls-files: %w", err)
	}
	folder := filepath.Join(scratch, "context")
	for name := range strings.SplitSeq(strings.TrimSuffix(string(files), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			return "", err
		}
		target := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			return "", err
		}
	}
	return folder, nil
}

// container is the image's files with what is mounted into them, for one test.
type container struct {
	t      *testing.T
	folder string
	config imageConfig
	env    []string
}

// newContainer copies the image's files.
func newContainer(t *testing.T) *container {
	t.Helper()
	installed(t, "buildah", "buildah")
	image, err := buildImage()
	if err != nil {
		t.Fatal(err)
	}
	c := &container{t: t, folder: filepath.Join(t.TempDir(), "root"), config: image.config}
	if out, err := exec.Command("cp", "--archive", image.folder, c.folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// A container's runtime makes these two.
	write(t, filepath.Join(c.folder, "etc/hosts"), "127.0.0.1 localhost redis tomcat shop\n", 0)
	if err := os.Chmod(filepath.Join(c.folder, "etc/hosts"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(c.folder, "dev"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mknod(filepath.Join(c.folder, "dev/null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Fatal(err)
	}
	return c
}

// user is the numeric user and group of the image.
func (c *container) user() *syscall.Credential {
	c.t.Helper()
	return credential(c.t, c.config.User)
}

// command is a program of the image, run as the image says: its user, its
// variables, its folder, and no file but its own.
func (c *container) command(args ...string) *exec.Cmd {
	c.t.Helper()
	cmd := &exec.Cmd{Path: args[0], Args: args, Dir: c.config.WorkingDir}
	cmd.Env = append(append([]string{}, c.config.Env...), c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.folder, Credential: c.user()}
	return cmd
}

// main is what the image runs.
func (c *container) main() *exec.Cmd {
	return c.command(append(append([]string{}, c.config.Entrypoint...), c.config.Cmd...)...)
}

// healthcheck is how the image is asked whether it works.
func (c *container) healthcheck() *exec.Cmd {
	c.t.Helper()
	test := c.config.Healthcheck.Test
	if len(test) < 2 || test[0] != "CMD" {
		c.t.Fatalf("the health check is %q, want CMD and a program: there is no shell", test)
	}
	return c.command(test[1:]...)
}

// place puts a file where a container would have it mounted.
func (c *container) place(name, content string) {
	c.t.Helper()
	write(c.t, filepath.Join(c.folder, name), content, int(c.user().Gid))
}
