package test

import (
	"errors"
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
// /examples, and our JSPs at /. One serves all tests: it takes seconds to start.
func tomcat(t *testing.T) string {
	t.Helper()
	address, err := sharedTomcat()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

var sharedTomcat = sync.OnceValues(func() (string, error) {
	for _, file := range []string{tomcatHome + "/bin/catalina.sh", tomcatConfig + "/server.xml", tomcatExamples} {
		if err := installed(file, "tomcat10 tomcat10-examples"); err != nil {
			return "", err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return "", err
	}
	base, err := os.MkdirTemp("", "tomcat-")
	if err != nil {
		return "", err
	}
	whenAllTestsEnd(func() { _ = os.RemoveAll(base) })
	if err := makeBase(base, address); err != nil {
		return "", err
	}
	return address, runTomcat(base, address)
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

func runTomcat(base, address string) error {
	command := exec.Command(tomcatHome+"/bin/catalina.sh", "run")
	command.Dir = base
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + base, "LC_ALL=C.UTF-8",
		"CATALINA_HOME=" + tomcatHome, "CATALINA_BASE=" + base, "CATALINA_TMPDIR=" + filepath.Join(base, "temp"),
		// It runs for a minute: start quickly, stay small.
		"JAVA_OPTS=-Djava.awt.headless=true -Xmx256m -XX:TieredStopAtLevel=1",
	}
	p, err := start(command)
	if err != nil {
		return err
	}
	whenAllTestsEnd(p.stop)
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return p.until(time.Minute, func() bool {
		response, err := client.Get("http://" + address + "/examples/")
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// tomcatSite runs the gateway on https before Tomcat and returns its origin.
func (w *world) tomcatSite(auth string) string {
	w.t.Helper()
	return w.secureSite(options{auth: auth, proxy: "reverse_proxy " + tomcat(w.t)})
}
