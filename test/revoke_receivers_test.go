package test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// receiver runs one of the receivers that we show, and returns its address.
func receiver(t *testing.T, command *exec.Cmd) (*program, string) {
	t.Helper()
	command.Env = append(os.Environ(), "WECHAT_WEBHOOK_SECRET="+hookSecret)
	p, err := start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	listening := regexp.MustCompile(`(?m)^listening (\d+)$`)
	if err := p.until(30*time.Second, func() bool { return listening.MatchString(p.output.String()) }); err != nil {
		t.Fatal(err)
	}
	return p, "http://127.0.0.1:" + listening.FindStringSubmatch(p.output.String())[1] + "/"
}

// build makes a receiver.
func build(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// The receivers that we show take real webhooks, of a sign-in and a withdrawal:
// the page in Tomcat, the class of the JDK alone, and the one in Go. Others
// have no effect on them.
func TestTomcatJavaAndGoReceiveWebhooks(t *testing.T) {
	w := newWorld(t)
	server, err := sharedTomcat()
	if err != nil {
		t.Fatal(err)
	}
	folder, page := t.TempDir(), "http://"+server.address+"/wechat-webhook.jsp"
	build(t, "javac", "-d", folder, "../docs/receivers/java/WebhookVerifier.java", "../docs/receivers/java/Receiver.java")
	build(t, "go", "build", "-o", folder+"/receiver", "../docs/receivers/go")
	java, javaURL := receiver(t, exec.Command("java", "-Xmx64m", "-XX:TieredStopAtLevel=1", "-cp", folder, "Receiver", "0"))
	golang, goURL := receiver(t, exec.Command(folder+"/receiver", "-listen", "127.0.0.1:0"))
	admin, global := "127.0.0.1:"+freePort(t), ""
	for name, address := range map[string]string{"jsp": page, "java": javaURL, "go": goURL} {
		global += strings.Replace(webhookTo(address), "name crm", "name "+name, 1) + "\n\t\t"
	}
	w.load(w.caddyfile(options{admin: admin, account: pushAccount, global: global}))
	pushesTo(t, w.wechat, w.site+"/_wechat/push/default", wechattest.PushSafe)
	w.visitor("ming").signIn(w.site + "/")
	user := w.userOf()
	if pushed, err := w.wechat.PushRevoke("ming", appID); err != nil || !pushed.Accepted {
		t.Fatalf("%+v %v", pushed, err)
	}
	jsp := func() (all string) {
		logs, err := filepath.Glob(server.base + "/logs/localhost.*.log") // one for each day
		if err != nil || len(logs) == 0 {
			t.Fatalf("Tomcat's log: %v %v", logs, err)
		}
		for _, log := range logs {
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			all += string(text)
		}
		return all
	}
	type receipt struct{ text, line string }
	receipts := func() map[string]receipt {
		return map[string]receipt{
			"java": {java.output.String(), " revoked " + user}, "go": {golang.output.String(), " revoked " + user},
			"jsp": {jsp(), "wechat: " + user + " took back the profile"},
		}
	}
	const lists = `[{"name":"go","waiting":0,"dead":0},{"name":"java","waiting":0,"dead":0},{"name":"jsp","waiting":0,"dead":0}]`
	soon(t, "all are heard of everything", 20*time.Second, func() bool {
		for _, said := range receipts() { // Tomcat writes its log a moment after the answer
			if !strings.Contains(said.text, said.line) {
				return false
			}
		}
		_, text := outside(t, http.MethodGet, "http://"+admin+"/wechat/webhooks", "")
		return sorted(text) == sorted(lists)
	})
	for name, said := range receipts() {
		if n := strings.Count(said.text, said.line); n != 1 {
			t.Errorf("%s received it %d times:\n%s", name, n, said.text)
		}
		if n := strings.Count(said.text, "signed_in "+user); n != 2 {
			t.Errorf("%s received %d sign-ins:\n%s", name, n, said.text)
		}
	}
	// What is not signed by us is refused by all of them.
	for _, address := range []string{page, javaURL, goURL} {
		if status, _ := outside(t, http.MethodPost, address, `{"type":"erased","version":1,"data":{"user":"forged"}}`); status != http.StatusUnauthorized {
			t.Errorf("%s takes a forgery: %d", address, status)
		}
	}
	if strings.Contains(jsp()+java.output.String()+golang.output.String(), "forged") {
		t.Error("a forgery had an effect")
	}
}

// sorted makes lists of the same entries, in whatever order, equal.
func sorted(list string) string {
	parts := regexp.MustCompile(`\{[^}]*\}`).FindAllString(list, -1)
	return strings.Join(slices.Sorted(slices.Values(parts)), "\n")
}
