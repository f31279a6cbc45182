package packages

import (
	"context"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// loadCompose reads compose.yaml as Docker does: against the schema of compose,
// with the variables that it asks for.
func loadCompose(t *testing.T, variables ...string) (*types.Project, error) {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "compose.yaml")}, cli.WithEnv(variables), cli.WithWorkingDirectory(root))
	if err != nil {
		t.Fatal(err)
	}
	return o.LoadProject(context.Background())
}

func composeProject(t *testing.T) *types.Project {
	t.Helper()
	project, err := loadCompose(t, "SITE=http://shop.example.com", "WECHAT_APP_ID="+appID)
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// What must be given is asked for by name.
func TestComposeAsks(t *testing.T) {
	t.Parallel()
	for variables, want := range map[string]string{
		"":                       "SITE",
		"SITE=shop.example.com":  "the account's AppID",
		"WECHAT_APP_ID=" + appID: "such as shop.example.com",
	} {
		t.Run(variables, func(t *testing.T) {
			t.Parallel()
			if _, err := loadCompose(t, variables); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		})
	}
}

// Each file, volume, network and secret that a service names is there, nothing
// is left over, and only the gateway is reached from outside.
func TestComposeIsWhole(t *testing.T) {
	t.Parallel()
	project := composeProject(t)
	used := map[string]map[string]bool{"volume": {}, "network": {}, "secret": {}}
	for name, service := range project.Services {
		if _, tag, ok := strings.Cut(service.Image, ":"); service.Build == nil && (!ok || tag == "latest") {
			t.Errorf("%s: the image %q has no version", name, service.Image)
		}
		if service.HealthCheck == nil {
			t.Errorf("%s has no health check", name)
		}
		if len(service.Ports) > 0 != (name == "gateway") {
			t.Errorf("%s publishes %d ports: only the gateway may", name, len(service.Ports))
		}
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeVolume {
				used["volume"][volume.Source] = true
			} else if _, err := os.Stat(volume.Source); err != nil && filepath.Base(volume.Source) != "webapps" { // the operator's own
				t.Errorf("%s: %v", name, err)
			}
		}
		for network := range service.Networks {
			used["network"][network] = true
		}
		for _, secret := range service.Secrets {
			used["secret"][secret.Source] = true
		}
	}
	for kind, names := range map[string][]string{
		"volume": slices.Collect(maps.Keys(project.Volumes)), "network": slices.Collect(maps.Keys(project.Networks)), "secret": slices.Collect(maps.Keys(project.Secrets)),
	} {
		slices.Sort(names)
		if got := slices.Sorted(maps.Keys(used[kind])); !slices.Equal(got, names) {
			t.Errorf("%ss used %q, defined %q", kind, got, names)
		}
	}
	build := project.Services["gateway"].Build
	if _, err := os.Stat(filepath.Join(build.Context, build.Dockerfile)); err != nil {
		t.Error(err)
	}
	for name := range project.Services["redis"].Networks {
		if !project.Networks[name].Internal {
			t.Errorf("Redis is in the network %s, which is not internal", name)
		}
	}
	ignored := read(t, root, ".gitignore")
	for name, secret := range project.Secrets {
		if folder := "/" + filepath.Base(filepath.Dir(secret.File)) + "/"; !strings.Contains(ignored, "\n"+folder+"\n") {
			t.Errorf("git does not ignore the secret %s: %s", name, secret.File)
		}
	}
}

// A container that is told to stop is given the time that its Caddyfile takes.
func TestComposeStops(t *testing.T) {
	t.Parallel()
	project := composeProject(t)
	caddyfile := read(t, root, "docs/deploy/compose/Caddyfile")
	if grace, needs := project.Services["gateway"].StopGracePeriod, stopping(t, caddyfile); grace == nil || time.Duration(*grace) <= needs {
		t.Errorf("stop_grace_period is %v, and the Caddyfile takes %s", grace, needs)
	}
}

// What compose.yaml describes, run without Docker: the image's files, Redis as
// its command says, an app in Tomcat's place. A visitor signs in, sessions are
// in Redis, Redis asks for its password and keeps its data, and the gateway
// tells when Redis is gone.
func TestComposeRuns(t *testing.T) {
	c, n := newContainer(t), newNetwork(t)
	project := composeProject(t)
	secrets := map[string]string{"wechat_app_secret": appSecret + "\n", "redis_password": "0123456789abcdef\n"}
	for name := range project.Secrets {
		if secrets[name] == "" {
			t.Fatalf("the test does not know the secret %s", name)
		}
		c.place("run/secrets/"+name, secrets[name])
	}
	redis := composeService{t: t, service: project.Services["redis"], folder: t.TempDir()}
	stopRedis := redis.run(n, filepath.Join(c.folder, "run/secrets"))
	n.runShop("8080")
	n.runSimulator("shop.example.com")
	service := project.Services["gateway"]
	for name, value := range service.Sysctls {
		n.set(name, value)
	}
	for name, value := range service.Environment {
		c.env = append(c.env, name+"="+*value)
	}
	for _, volume := range service.Volumes {
		if volume.Type == types.VolumeTypeBind {
			c.place(volume.Target, simulated(t, read(t, volume.Source)))
		}
	}
	gateway := n.start(c.main())
	n.ready(gateway, "http://127.0.0.1", "shop.example.com")
	n.signsIn("http://shop.example.com")
	check := c.command(service.HealthCheck.Test[1:]...)
	if out, err := n.run(check); err != nil || !strings.HasPrefix(out, "ready: ") {
		t.Errorf("the gateway's health check: %v: %s", err, out)
	}
	if out, err := n.run(redis.healthcheck()); err != nil {
		t.Errorf("Redis' health check: %v: %s", err, out)
	}
	if out, err := n.run(exec.Command("redis-cli", "ping")); !strings.Contains(out, "NOAUTH") {
		t.Errorf("Redis answers without a password: %v: %s", err, out)
	}
	if files, err := filepath.Glob(redis.folder + "/appendonlydir/*.aof"); err != nil || len(files) == 0 {
		t.Errorf("Redis keeps nothing on disk: %v", err)
	}
	stopRedis()
	if out, err := n.run(redis.healthcheck()); err == nil {
		t.Errorf("Redis' health check without Redis: %s", out)
	}
	gateway.until("the gateway tells that Redis is gone", func() bool {
		out, err := n.run(c.command(service.HealthCheck.Test[1:]...))
		return err != nil && strings.Contains(out, "not ready: ")
	})
	// The image's own check does not restart it for that.
	if out, err := n.run(c.healthcheck()); err != nil || !strings.HasPrefix(out, "alive, but not ready: ") {
		t.Errorf("the image's health check: %v: %s", err, out)
	}
	if status, _, err := n.get(n.client, "http://127.0.0.1/_wechat/health", "Host", "shop.example.com"); err != nil || status != http.StatusOK {
		t.Errorf("health is %d, %v", status, err)
	}
	if log := gateway.output.String(); strings.Contains(log, appSecret) || strings.Contains(log, "0123456789abcdef") {
		t.Error("a secret is in the log")
	}
}

// composeService runs a service with the programs of this machine. Paths of the
// container become folders of the test.
type composeService struct {
	t       *testing.T
	service types.ServiceConfig
	folder  string // instead of /data
	secrets string // instead of /run/secrets
}

var paths = regexp.MustCompile(`/run/secrets\b|/data\b`)

func (s *composeService) command(args []string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(args[0])
	for _, arg := range args {
		cmd.Args = append(cmd.Args, paths.ReplaceAllStringFunc(arg, func(path string) string {
			if path == "/data" {
				return s.folder
			}
			return s.secrets
		}))
	}
	cmd.Args = cmd.Args[1:]
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(s.t, s.service.User)}
	return cmd
}

// run starts Redis, and returns what ends it as a container is ended.
func (s *composeService) run(n *network, secrets string) (stop func()) {
	s.t.Helper()
	installed(s.t, "redis-server", "redis-server")
	s.secrets = secrets
	s.open()
	p := n.start(s.command(s.service.Command))
	p.until("Redis answers", func() bool {
		_, err := n.run(s.healthcheck())
		return err == nil
	})
	if cmdline := read(s.t, "/proc", strconv.Itoa(p.command.Process.Pid), "cmdline"); strings.Contains(cmdline, "0123456789abcdef") {
		s.t.Errorf("the password is an argument: %q", cmdline)
	}
	return func() {
		if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
			s.t.Error(err)
		}
		select {
		case <-p.ended:
		case <-time.After(10 * time.Second):
			s.t.Fatal("Redis does not stop when its container is told to")
		}
	}
}

// open gives Redis its folder.
func (s *composeService) open() {
	s.t.Helper()
	user := credential(s.t, s.service.User)
	for folder := s.folder; folder != os.TempDir() && folder != "/"; folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o711); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := os.Chown(s.folder, int(user.Uid), int(user.Gid)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *composeService) healthcheck() *exec.Cmd {
	s.t.Helper()
	if test := s.service.HealthCheck.Test; test[0] == "CMD-SHELL" {
		return s.command([]string{"sh", "-c", test[1]})
	}
	return s.command(s.service.HealthCheck.Test[1:])
}
