package test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// A night is an operator's machine: the gateway's binary with the Caddyfile of
// docs/operations.md, under a systemctl of the test's; a simulated WeChat, an
// app, and if the runbook needs it a Redis. The commands are those of the
// document, in its order, with other paths and ports. What the document says
// that they print, they print.
type night struct {
	*world
	document string  // the runbooks' file, below the repository
	book     []block // what is still to be carried out
	root     string  // stands for /
	binary   string
	ports    struct{ site, admin string }
	redis    *redistest.Server // nil: store local
	units    map[string]*program
	turn     sync.Mutex // one start or stop at a time: the test's own, or one that a command asks for
	replace  *strings.Replacer
	stdin    string // what the operator types or pastes into the next commands
	said     string // what the last commands printed
}

// block is one block of a runbook: commands, or what they print.
type block struct {
	commands, prints string
	line             int
}

// runbook reads the blocks of one section of a document, up to the next heading.
func runbook(t *testing.T, path, heading string) (blocks []block) {
	t.Helper()
	document, err := os.ReadFile("../" + path)
	if err != nil {
		t.Fatal(err)
	}
	section, kind, inside := "", "", false
	for i, line := range strings.Split(string(document), "\n") {
		if line = strings.TrimPrefix(line, "   "); !inside && strings.HasPrefix(line, " ") {
			continue // a deeper list has no block
		}
		switch {
		case strings.HasPrefix(line, "```") && inside:
			inside = false
		case strings.HasPrefix(line, "```"):
			kind, inside = strings.TrimPrefix(line, "```"), true
			if section == heading && kind == "sh" {
				blocks = append(blocks, block{line: i + 1})
			}
		case !inside && strings.HasPrefix(line, "#"):
			section = strings.TrimLeft(line, "# ")
		case inside && section == heading && kind == "sh":
			blocks[len(blocks)-1].commands += line + "\n"
		case inside && section == heading && kind == "text":
			blocks[len(blocks)-1].prints += line + "\n"
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no commands under %q", path, heading)
	}
	return blocks
}

// runbookHeadings returns the headings of a document that have commands.
func runbookHeadings(t *testing.T, path string) (headings []string) {
	t.Helper()
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	heading := ""
	for line := range strings.SplitSeq(string(document), "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimLeft(line, "# ")
		case strings.TrimSpace(line) == "```sh" && !slices.Contains(headings, heading):
			headings = append(headings, heading)
		}
	}
	return headings
}

// newNight makes the machine of one runbook of docs/operations.md. Nothing runs
// yet but Redis, which runs if the runbook is about it.
func newNight(t *testing.T, heading string, redis bool) *night {
	t.Helper()
	return newNightOf(t, "docs/operations.md", heading, redis)
}

// newNightOf is the same for a runbook of another document.
func newNightOf(t *testing.T, document, heading string, redis bool) *night {
	t.Helper()
	for _, tool := range []string{"/usr/bin/curl curl", "/usr/bin/openssl openssl", "/usr/bin/jq jq"} {
		file, name, _ := strings.Cut(tool, " ")
		if err := installed(file, name); err != nil {
			t.Fatal(err)
		}
	}
	binary, err := gatewayBinary()
	if err != nil {
		t.Fatal(err)
	}
	n := &night{world: newWorld(t), document: document, binary: binary, root: t.TempDir(), units: map[string]*program{}}
	n.book = runbook(t, document, heading)
	n.ports.site, n.ports.admin = freePort(t), freePort(t)
	n.site = "http://localhost:" + n.ports.site
	for _, folder := range []string{"bin", "etc/caddy/secrets", "var/lib/caddy", "var/backups", "root"} {
		n.mkdir(folder)
	}
	if redis {
		n.redis = redistest.Standalone(t, redistest.Options{AppendOnly: true})
	}
	n.write("etc/caddy/secrets/wechat-app-secret", appSecret)
	n.write("etc/caddy/secrets/webhook-crm", hookSecret)
	n.substitutes()
	n.fakes()
	n.caddyfile()
	t.Cleanup(func() {
		for _, unit := range n.units {
			unit.stop()
		}
	})
	return n
}

func (n *night) path(name string) string { return filepath.Join(n.root, name) }

func (n *night) mkdir(name string) {
	n.t.Helper()
	if err := os.MkdirAll(n.path(name), 0o700); err != nil {
		n.t.Fatal(err)
	}
}

func (n *night) write(name, content string) {
	n.t.Helper()
	if err := os.WriteFile(n.path(name), []byte(content), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// substitutes puts the test's paths and ports in the place of the document's.
// The users caddy and redis need not exist here.
func (n *night) substitutes() {
	pairs := []string{
		"/etc/caddy", n.path("etc/caddy"), "/var/lib/caddy", n.path("var/lib/caddy"), "/var/backups", n.path("var/backups"),
		"localhost:2019", "localhost:" + n.ports.admin, "https://shop.example.com", n.site,
		"-o caddy -g caddy ", "", "-o redis -g redis ", "", "chown -R caddy: ", "chown -R $(id -u) ",
	}
	if n.redis != nil {
		_, port, _ := net.SplitHostPort(n.redis.Addr)
		folder, err := n.redis.Do("config", "get", "dir").Slice()
		if err != nil || len(folder) != 2 {
			n.t.Fatal(err)
		}
		dir := fmt.Sprint(folder[1])
		pairs = append(pairs, "redis-cli ", "redis-cli -p "+port+" ", "/var/lib/redis", dir, "/etc/redis", dir)
	}
	n.replace = strings.NewReplacer(pairs...)
}

// fakes makes the commands of the machine that a test cannot have: systemctl
// and systemd-run ask the test, journalctl shows what the gateway has logged.
func (n *night) fakes() {
	n.t.Helper()
	socket := filepath.Join(n.root, "s")
	listener, err := (&net.ListenConfig{}).Listen(n.t.Context(), "unix", socket)
	if err != nil {
		n.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(n.systemd), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with Close
	n.t.Cleanup(func() { _ = server.Close() })
	ask := "#!/bin/sh\nexec curl -sS --fail-with-body --unix-socket " + socket + " -X POST http://systemd/"
	scripts := map[string]string{
		"systemctl":  ask + "$1 -d \"$2\"\n",
		"journalctl": ask + "log\n",
		// --uid gives the program the home of that user.
		"systemd-run": "#!/bin/sh\nwhile [ \"${1#--}\" != \"$1\" ]; do\n\tcase $1 in --unit=*) unit=${1#--unit=} ;; esac\n\tshift\ndone\n" +
			"export HOME=" + n.path("var/lib/caddy") + "\n[ -z \"$unit\" ] && exec \"$@\"\n" + strings.TrimPrefix(ask, "#!/bin/sh\n") + "run -d \"$unit $*\"\n",
	}
	for name, script := range scripts {
		if err := os.WriteFile(n.path("bin/"+name), []byte(script), 0o700); err != nil {
			n.t.Fatal(err)
		}
	}
	if err := os.Symlink(n.binary, n.path("bin/wechat-gateway")); err != nil {
		n.t.Fatal(err)
	}
}

// systemd is what the fakes ask.
func (n *night) systemd(w http.ResponseWriter, r *http.Request) {
	body := new(bytes.Buffer)
	_, _ = body.ReadFrom(r.Body)
	unit := body.String()
	var err error
	switch r.URL.Path {
	case "/log":
		fmt.Fprint(w, n.log())
	case "/run": // a unit with a command of its own
		name, command, _ := strings.Cut(unit, " ")
		err = n.startUnit(name, strings.Fields(command)...)
	case "/start":
		err = n.startUnit(unit)
	case "/stop":
		err = n.stopUnit(unit)
	case "/restart":
		if err = n.stopUnit(unit); err == nil {
			err = n.startUnit(unit)
		}
	default:
		err = fmt.Errorf("no such word: %s", r.URL.Path)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// startUnit starts a service, and returns when it serves or has failed, as a
// unit of the type notify does.
func (n *night) startUnit(unit string, arguments ...string) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	if unit == "redis-server" {
		n.redis.Restart()
		return nil
	}
	if len(arguments) == 0 {
		arguments = []string{n.path("bin/wechat-gateway"), "run", "--config", n.path("etc/caddy/Caddyfile")}
	}
	command := exec.Command(arguments[0], arguments[1:]...)
	if arguments[0] == "wechat-gateway" {
		command = exec.Command(n.path("bin/wechat-gateway"), arguments[1:]...)
	}
	command.Env = n.environ(n.path("var/lib/caddy"))
	// A file, not a pipe: what the gateway has logged before it answers is there
	// when the answer comes.
	log, err := os.OpenFile(n.path("log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p := &program{command: command, output: new(output), ended: make(chan struct{})}
	command.Stdout, command.Stderr = log, log
	ownGroup(command)
	const serving = `"msg":"serving initial configuration"`
	before := strings.Count(n.log(), serving)
	if err := command.Start(); err != nil {
		return err
	}
	go func() {
		_ = command.Wait() // how it ended is in the log
		close(p.ended)
	}()
	n.units[unit] = p
	if err := p.until(30*time.Second, func() bool { return strings.Count(n.log(), serving) > before }); err != nil {
		return fmt.Errorf("%w\n%s", err, n.lastLines())
	}
	return nil
}

func (n *night) stopUnit(unit string) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	if unit == "redis-server" {
		n.redis.Do("save")
		n.redis.Kill()
		return nil
	}
	p := n.units[unit]
	if p == nil {
		return fmt.Errorf("%s does not run", unit)
	}
	delete(n.units, unit)
	p.stop()
	return nil
}

// environ is the environment of a program whose user has this home.
func (n *night) environ(home string) []string {
	mine := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "XDG_") || strings.HasPrefix(variable, "WECHAT_") || strings.HasPrefix(variable, "LC_") || strings.HasPrefix(variable, "LANG")
	})
	return append(mine, "HOME="+home, "PATH="+n.path("bin")+":"+os.Getenv("PATH"), "CADDY_ADMIN=localhost:"+n.ports.admin, "LC_ALL=C", "TZ=UTC")
}

// caddyfile writes the Caddyfile of the document.
func (n *night) caddyfile() {
	n.t.Helper()
	document, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		n.t.Fatal(err)
	}
	match := regexp.MustCompile("(?s)```caddyfile\n(.*?)```").FindSubmatch(document)
	if match == nil {
		n.t.Fatal("docs/operations.md has no Caddyfile")
	}
	text := n.replace.Replace(string(match[1]))
	wechat := "\twechat {\n\t\topen_url " + n.sim.URL + "\n\t\tapi_url " + n.sim.URL + "\n"
	if n.redis != nil {
		wechat += "\t\tstore redis redis://" + n.redis.Addr + "/0\n"
	}
	for old, fresh := range map[string]string{
		"\twechat {\n":          wechat,
		"shop.example.com {":    n.site + " {",
		"localhost:8080":        n.app.address(),
		"https://crm.internal/": "http://127.0.0.1:9/", // no test listens there, unless it replaces the address
	} {
		if strings.Count(text, old) != 1 {
			n.t.Fatalf("the Caddyfile of docs/operations.md has %q %d times", old, strings.Count(text, old))
		}
		text = strings.Replace(text, old, fresh, 1)
	}
	n.write("etc/caddy/Caddyfile", text)
}

// edit changes the Caddyfile as an operator would with an editor.
func (n *night) edit(old, fresh string) {
	n.t.Helper()
	text, err := os.ReadFile(n.path("etc/caddy/Caddyfile"))
	if err != nil || strings.Count(string(text), old) != 1 {
		n.t.Fatalf("%q is %d times in the Caddyfile, %v", old, strings.Count(string(text), old), err)
	}
	n.write("etc/caddy/Caddyfile", strings.Replace(string(text), old, fresh, 1))
}

// begin starts the gateway before the runbook begins.
func (n *night) begin() {
	n.t.Helper()
	if err := n.startUnit("caddy"); err != nil {
		n.t.Fatal(err)
	}
}

// shell runs commands as root does, and returns what they print.
func (n *night) shell(commands string) (string, error) {
	ctx, cancel := context.WithTimeout(n.t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", commands)
	command.Env, command.Stdin, command.Dir = n.environ(n.path("root")), strings.NewReader(n.stdin), n.path("root")
	ownGroup(command)
	out, err := command.CombinedOutput()
	return string(out), err
}

// step carries out the next block of the runbook. replace is what the operator
// puts in the place of the document's examples: old, new, old, new …
func (n *night) step(replace ...string) {
	n.t.Helper()
	if len(n.book) == 0 {
		n.t.Fatal("the runbook is over")
	}
	b := n.book[0]
	n.book = n.book[1:]
	example := strings.NewReplacer(replace...)
	out, err := n.shell(n.replace.Replace(example.Replace(b.commands)))
	n.said, n.stdin = out, ""
	if err != nil {
		n.t.Fatalf("%s:%d: %v\n%s\n%s\nthe gateway's log:\n%s", n.document, b.line, err, b.commands, out, n.lastLines())
	}
	real := strings.Split(steady(out), "\n")
	for want := range strings.SplitSeq(strings.TrimSuffix(b.prints, "\n"), "\n") {
		want = steady(n.replace.Replace(example.Replace(want)))
		if !slices.ContainsFunc(real, func(line string) bool { return alike(want, line) }) {
			n.t.Errorf("%s:%d says that\n%sprints\n%s\nand it printed:\n%s", n.document, b.line, b.commands, want, out)
		}
	}
}

// steady replaces what differs from run to run: times, ids of persons, keys and
// sign-ins; and the blanks of a table, which is not on a terminal here.
func steady(text string) string {
	for _, r := range []struct{ pattern, name string }{
		{`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( \+0000|Z)`, "TIME"},
		{`\b[a-z2-7]{26}\b`, "ID"},
		{`\b[0-9a-f]{8}\b`, "KEY"},
		{`[ \t]+`, " "},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.name)
	}
	return strings.ReplaceAll(text, "\r", "")
}

// alike compares a line of the document with a real one. … is any text.
func alike(want, real string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimRight(want, " ")), "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimRight(real, " "))
}

// end checks that the whole runbook was carried out.
func (n *night) end() {
	n.t.Helper()
	for _, b := range n.book {
		n.t.Errorf("%s:%d was not carried out:\n%s", n.document, b.line, b.commands)
	}
}

// visits signs a visitor in, or finds that they are. It returns the person's id
// as the app gets it, and the number of redirects on the way.
func (n *night) visits(v *visitor) (user string, redirects int) {
	n.t.Helper()
	n.app.take()
	v.client.CloseIdleConnections() // the gateway may have been restarted
	if a := v.signIn(n.site + "/"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "<title>app</title>") {
		n.t.Fatalf("a visitor gets %s at %s by way of %q: %q\n%s", a.Status, a.url, v.hops, attribute(a.body, "<title>([^<]*)"), n.lastLines())
	}
	all := n.app.take()
	return all[len(all)-1].header.Get("X-Wechat-User"), len(v.hops) - 1
}

// stays checks that a visitor is still signed in, as the same person.
func (n *night) stays(v *visitor, user string) {
	n.t.Helper()
	if now, redirects := n.visits(v); now != user || redirects != 0 {
		n.t.Errorf("the visitor was %s and is %s after %d redirects", user, now, redirects)
	}
}

// fails checks that a new visitor cannot sign in, and what they see.
func (n *night) fails(status int, words string) answer {
	n.t.Helper()
	v := n.visitor("hong")
	a := v.signIn(n.site + "/")
	if a.StatusCode != status || !strings.Contains(a.body, words) {
		n.t.Errorf("a new visitor gets %d, want %d with %q", a.StatusCode, status, words)
	}
	return a
}

// resets gives the account another secret: WeChat refuses the old one at once.
func (n *night) resets(secret string) {
	n.t.Helper()
	for _, account := range n.wechat.Accounts() {
		account.Secret = secret
		if err := n.wechat.AddAccount(account); err != nil {
			n.t.Fatal(err)
		}
	}
}

// log is all that the gateway has logged, over its restarts.
func (n *night) log() string {
	text, _ := os.ReadFile(n.path("log")) // none: it has not run yet
	return string(text)
}

// lastLines is the end of the gateway's log, for failures.
func (n *night) lastLines() string {
	text := n.log()
	return text[max(0, len(text)-3000):]
}
