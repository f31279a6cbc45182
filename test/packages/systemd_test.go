package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const unitName = "wechat-gateway.service"

var unitFile = filepath.Join(root, "docs/deploy/systemd", unitName)

// The unit's score stands in the documents, and is not worse than that.
func TestUnitSecurity(t *testing.T) {
	t.Parallel()
	installed(t, "systemd-analyze", "systemd")
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", unitFile).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	score := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+) `).FindSubmatch(out)
	if score == nil {
		t.Fatalf("systemd-analyze says no score:\n%s", out)
	}
	for _, document := range []string{"systemd.md", "systemd.zh-CN.md"} {
		if text := read(t, root, "docs/deploy", document); !strings.Contains(text, fmt.Sprintf("`%s OK`", score[1])) {
			t.Errorf("docs/deploy/%s does not say that the score is %s", document, score[1])
		}
	}
}

// Secrets reach the log by --environ, and processes of other users by variables
// of a unit that all may read.
func TestUnitKeepsSecrets(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(read(t, unitFile)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if strings.Contains(line, "--environ") || strings.HasPrefix(line, "Environment") && strings.Contains(line, "SECRET") {
			t.Errorf("the unit has %q", line)
		}
	}
}

// machine is a systemd of its own, which has booted into the files of this
// machine. What it writes is gone with it.
type machine struct {
	t       *testing.T
	network *network
	process *program
	root    string // its files, seen from its first process
}

// bootScript makes the files, mounts what a container has, and becomes systemd.
// It runs in mount, process and control group namespaces of its own.
const bootScript = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys # or it would set the parameters of this machine's kernel
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/shm dev/pts dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for node in null zero full random urandom tty; do cp -a "/dev/$node" dev/; done
echo 0123456789abcdef0123456789abcdef >etc/machine-id
cp -a "$2/." .
mkdir -p mnt
pivot_root . mnt
cd /
umount --lazy mnt
mount --make-rshared / # credentials arrive by propagation
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=test.target --show-status=0 --log-target=journal`

// bootMachine boots with files added.
func bootMachine(t *testing.T, n *network, files map[string]string) *machine {
	t.Helper()
	folder, added := t.TempDir(), t.TempDir()
	// No service waits for a network that will never be there.
	files["/etc/systemd/system/systemd-networkd-wait-online.service"] = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
	files["/etc/systemd/system/test.target"] = "[Unit]\nRequires=basic.target\nAfter=basic.target\n"
	for name, content := range files {
		mode := os.FileMode(0o644)
		if strings.Contains(name, "/secrets/") {
			mode = 0o600
		}
		file := filepath.Join(added, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(added, 0o755); err != nil { // becomes /
		t.Fatal(err)
	}
	target := filepath.Join(added, "usr/bin/wechat-gateway")
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", binary(t), target).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	boot := exec.Command("sh", "-c", bootScript, "sh", folder, added)
	boot.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWCGROUP | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	m := &machine{t: t, network: n, process: n.start(boot), root: filepath.Join(folder, "root")}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := m.do("journalctl", "--no-pager", "--lines=200")
			t.Logf("the journal:\n%s", log)
		}
	})
	m.process.until("systemd has booted", func() bool {
		out, _ := m.do("systemctl", "is-active", "test.target")
		return out == "active\n"
	})
	return m
}

// do runs a program in the machine, and returns what it printed.
func (m *machine) do(args ...string) (string, error) {
	m.t.Helper()
	pid := fmt.Sprint(m.process.command.Process.Pid)
	enter := exec.Command("nsenter", append([]string{"--target", pid, "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--root", "--wd"}, args...)...)
	enter.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := enter.CombinedOutput()
	return string(out), err
}

// must is do, and fails the test.
func (m *machine) must(args ...string) string {
	m.t.Helper()
	out, err := m.do(args...)
	if err != nil {
		status, _ := m.do("systemctl", "status", "--no-pager", "--full", "--lines=60", unitName)
		m.t.Fatalf("%v: %v\n%s\n%s", args, err, out, status)
	}
	return out
}

// unitCommands are those that docs/deploy/systemd.md has for the user and the
// folders.
func unitCommands(t *testing.T) []string {
	t.Helper()
	var commands []string
	for line := range strings.Lines(read(t, root, "docs/deploy/systemd.md")) {
		if command, ok := strings.CutPrefix(line, "sudo "); ok && (strings.HasPrefix(command, "useradd ") || strings.HasPrefix(command, "install -d ") || strings.HasPrefix(command, "systemctl enable ")) {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	if len(commands) < 3 {
		t.Fatalf("docs/deploy/systemd.md has the commands %q", commands)
	}
	return commands
}

// The unit runs under systemd, as docs/deploy/systemd.md says: it starts as its
// user, listens on port 80, reads its secret, signs a visitor in, reloads,
// starts again after a crash, and stops. Its folders are its own, and the
// kernel keeps it from everything else.
func TestUnitRuns(t *testing.T) {
	n := newNetwork(t)
	n.runShop("8080")
	n.runSimulator("shop.example.com")
	m := bootMachine(t, n, map[string]string{
		"/etc/systemd/system/" + unitName:               read(t, unitFile),
		"/etc/wechat-gateway/secrets/wechat-app-secret": appSecret + "\n",
		"/etc/wechat-gateway/Caddyfile":                 simulated(t, unitCaddyfile(t)),
	})
	if out := m.must("systemd-analyze", "verify", "/etc/systemd/system/"+unitName); strings.Contains(out, "wechat-gateway") {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	for _, command := range unitCommands(t) {
		m.must(strings.Fields(command)...)
	}
	n.ready(m.process, "http://127.0.0.1", "shop.example.com")
	n.signsIn("http://shop.example.com")
	pid := m.property("MainPID")
	m.checkCage(pid)
	m.must("systemctl", "reload", unitName)
	if again := m.property("MainPID"); again != pid || m.property("NRestarts") != "0" {
		t.Errorf("after the reload the process is %s, was %s", again, pid)
	}
	n.signsIn("http://shop.example.com")

	m.must("kill", "-KILL", pid)
	n.ready(m.process, "http://127.0.0.1", "shop.example.com")
	if again := m.property("MainPID"); again == pid || m.property("NRestarts") != "1" {
		t.Errorf("after the crash the process is %s, was %s, restarts %s", again, pid, m.property("NRestarts"))
	}
	n.signsIn("http://shop.example.com")

	begin := time.Now()
	m.must("systemctl", "stop", unitName)
	if result := m.property("Result"); result != "success" || time.Since(begin) > time.Minute {
		t.Errorf("stopped after %s: %s", time.Since(begin), result)
	}
	if log := m.must("journalctl", "--no-pager", "--unit", unitName); strings.Contains(log, appSecret) || !strings.Contains(log, "serving initial configuration") {
		t.Errorf("the journal: %s", log)
	}
}

// property is what systemd says of the unit.
func (m *machine) property(name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.must("systemctl", "show", "--value", "--property", name, unitName))
}

// checkCage looks at the running process from outside.
func (m *machine) checkCage(pid string) {
	m.t.Helper()
	status := m.must("cat", "/proc/"+pid+"/status")
	for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapBnd:\t0000000000000400\n", "CapEff:\t0000000000000400\n"} {
		if !strings.Contains(status, want) {
			m.t.Errorf("the process does not have %q:\n%s", want, status)
		}
	}
	for file, want := range map[string]string{
		"/var/lib/wechat-gateway":                       "wechat-gateway wechat-gateway 700",
		"/var/log/wechat-gateway":                       "wechat-gateway wechat-gateway 750",
		"/etc/wechat-gateway/secrets":                   "root root 700",
		"/etc/wechat-gateway/secrets/wechat-app-secret": "root root 600",
	} {
		if got := strings.TrimSpace(m.must("stat", "--format", "%U %G %a", file)); got != want {
			m.t.Errorf("%s is %s, want %s", file, got, want)
		}
	}
	inside := []string{"nsenter", "--target", pid, "--mount", "setpriv", "--reuid=wechat-gateway", "--regid=wechat-gateway", "--clear-groups", "sh", "-c"}
	for what, script := range map[string]string{
		"writes to /etc":        "touch /etc/wechat-gateway/x",
		"writes to /usr":        "touch /usr/bin/x",
		"writes to /var":        "touch /var/cache/x",
		"reads the secret file": "cat /etc/wechat-gateway/secrets/wechat-app-secret",
		"sees homes":            "ls /root",
		"sees disks":            "ls /dev/sda /dev/vda /dev/mem",
	} {
		if out, err := m.do(append(inside, script)...); err == nil {
			m.t.Errorf("the process %s: %s", what, out)
		}
	}
	m.must(append(inside, "touch /var/lib/wechat-gateway/x && cat /run/credentials/"+unitName+"/wechat-app-secret")...)
}

// unitCaddyfile is the one of docs/deploy/systemd.md, for a site without TLS.
func unitCaddyfile(t *testing.T) string {
	t.Helper()
	_, text, ok := strings.Cut(read(t, root, "docs/deploy/systemd.md"), "```caddyfile\n")
	text, _, ok2 := strings.Cut(text, "```")
	if !ok || !ok2 {
		t.Fatal("docs/deploy/systemd.md has no Caddyfile")
	}
	site := "\nshop.example.com {"
	if strings.Count(text, site) != 1 || strings.Count(text, "wx0123456789abcdef") != 1 {
		t.Fatalf("the Caddyfile has another form:\n%s", text)
	}
	return strings.Replace(strings.Replace(text, site, "\nhttp://shop.example.com {", 1), "wx0123456789abcdef", appID, 1)
}
