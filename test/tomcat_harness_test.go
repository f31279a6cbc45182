package test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	tomcatHome     = "/usr/share/tomcat10"
	tomcatConfig   = "/etc/tomcat10"
	tomcatExamples = "/usr/share/tomcat10-examples/examples"
)

// tomcat returns the address of a Tomcat with Debian's own examples at
// /examples, and our JSPs at /. One serves all tests: it takes seconds to
// start.
func tomcat(t *testing.T) string {
	t.Helper()
	server, err := sharedTomcat()
	if err != nil {
		t.Fatal(err)
	}
	return server.address
}

// tomcatServer is a Tomcat that runs, and its CATALINA_BASE.
type tomcatServer struct{ address, base string }

var sharedTomcat = sync.OnceValues(func() (tomcatServer, error) {
	var none tomcatServer
	for _, file := range []string{tomcatHome + "/bin/catalina.sh", tomcatConfig + "/server.xml", tomcatExamples} {
		if err := installed(file, "tomcat10 tomcat10-examples"); err != nil {
			return none, err
		}
	}
	port, err := findPort()
	if err != nil {
		return none, err
	}
	address := "127.0.0.1:" + port
	base, err := os.MkdirTemp("", "tomcat-")
	if err != nil {
		return none, err
	}
	whenAllTestsEnd(func() { _ = os.RemoveAll(base) })
	if err := makeBase(base, address); err != nil {
		return none, err
	}
	p, err := runTomcat(base, address)
	if err != nil {
		return none, err
	}
	whenAllTestsEnd(p.stop)
	return tomcatServer{address, base}, nil
})

// makeBase writes a CATALINA_BASE: Debian's configuration as it is, but for the
// address.
func makeBase(base, address string) error {
	conf := filepath.Join(base, "conf")
	if err := os.CopyFS(conf, os.DirFS(tomcatConfig)); err != nil {
		return err
	}
	for _, folder := range []string{"logs", "temp", "work"} {
		if err := os.Mkdir(filepath.Join(base, folder), 0o700); err != nil {
			return err
		}
	}
	if err := os.CopyFS(filepath.Join(base, "webapps", "ROOT"), os.DirFS("testdata/webapp")); err != nil {
		return err
	}
	if err := addReceiver(filepath.Join(base, "webapps", "ROOT")); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	file := filepath.Join(conf, "server.xml")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	const connector = `<Connector port="8080" protocol="HTTP/1.1"`
	changed := strings.Replace(string(text), connector, `<Connector address="`+host+`" port="`+port+`" protocol="HTTP/1.1"`, 1)
	if changed == string(text) || !strings.Contains(changed, `<Server port="-1"`) {
		return errors.New("Debian's server.xml is not what it was: " + connector + " with a shutdown port of -1")
	}
	return os.WriteFile(file, []byte(changed), 0o600)
}

// addReceiver puts our receiver of webhooks into a web app, as its page says.
func addReceiver(app string) error {
	if err := installed("/usr/bin/javac", "default-jdk-headless"); err != nil {
		return err
	}
	const receiver = "../docs/receivers/java/"
	page, err := os.ReadFile(receiver + "wechat-webhook.jsp")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(app, "wechat-webhook.jsp"), page, 0o600); err != nil {
		return err
	}
	out, err := exec.Command("javac", "-d", filepath.Join(app, "WEB-INF", "classes"), receiver+"WebhookVerifier.java").CombinedOutput()
	if err != nil {
		return fmt.Errorf("javac: %w\n%s", err, out)
	}
	return nil
}

// runTomcat starts a Tomcat and waits until it answers.
func runTomcat(base, address string) (*program, error) {
	command := exec.Command(tomcatHome+"/bin/catalina.sh", "run")
	command.Dir = base
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + base, "LC_ALL=C.UTF-8",
		"CATALINA_HOME=" + tomcatHome, "CATALINA_BASE=" + base, "CATALINA_TMPDIR=" + filepath.Join(base, "temp"),
		"WECHAT_WEBHOOK_SECRET=" + hookSecret,
		// It runs for a minute: start quickly, stay small.
		"JAVA_OPTS=-Djava.awt.headless=true -Xmx256m -XX:TieredStopAtLevel=1",
	}
	p, err := start(command)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	err = p.until(time.Minute, func() bool {
		response, err := client.Get("http://" + address + "/examples/")
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// tomcatSite runs the gateway on https before Tomcat and returns its origin.
func (w *world) tomcatSite(auth string) string {
	w.t.Helper()
	return w.secureSite(options{auth: auth, proxy: "reverse_proxy " + tomcat(w.t)})
}
