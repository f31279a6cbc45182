package test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// phpServer is a PHP-FPM that runs, and the folder of its scripts.
type phpServer struct{ address, root string }

// site is what a Caddyfile says to have PHP answer.
func (s phpServer) site() string {
	return fmt.Sprintf("root * %s\n\tphp_fastcgi %s\n\tfile_server", s.root, s.address)
}

// phpFPM returns a PHP-FPM with the scripts of testdata/php. One serves all
// tests.
func phpFPM(t *testing.T) phpServer {
	t.Helper()
	server, err := sharedPHP()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

var sharedPHP = sync.OnceValues(func() (phpServer, error) {
	root, err := filepath.Abs("testdata/php")
	if err != nil {
		return phpServer{}, err
	}
	return startPHP(root, 1)
})

// startPHP runs a PHP-FPM until all tests end. It reads no php.ini: a test that
// needs an extension names it. What it writes, sessions and uploads too, is in
// a folder of its own.
func startPHP(root string, children int, extensions ...string) (phpServer, error) {
	var none phpServer
	programs, err := filepath.Glob("/usr/sbin/php-fpm*") // Debian puts the version behind
	if err != nil || len(programs) == 0 {
		return none, installed("/usr/sbin/php-fpm", "php-fpm")
	}
	port, err := findPort()
	if err != nil {
		return none, err
	}
	me, err := user.Current()
	if err != nil {
		return none, err
	}
	folder, err := os.MkdirTemp("", "php-")
	if err != nil {
		return none, err
	}
	whenAllTestsEnd(func() { _ = os.RemoveAll(folder) })
	address, file := "127.0.0.1:"+port, filepath.Join(folder, "fpm.conf")
	config := fmt.Sprintf("[global]\nerror_log = %s/log\n[www]\nuser = %s\nlisten = %s\npm = static\npm.max_children = %d\n", folder, me.Username, address, children)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return none, err
	}
	arguments := []string{"--nodaemonize", "--allow-to-run-as-root", "-n", "--fpm-config", file, "-d", "display_errors=0"}
	for _, setting := range []string{"session.save_path", "upload_tmp_dir", "sys_temp_dir"} {
		arguments = append(arguments, "-d", setting+"="+folder)
	}
	for _, extension := range extensions {
		arguments = append(arguments, "-d", "extension="+extension)
	}
	p, err := start(exec.Command(programs[0], arguments...))
	if err != nil {
		return none, err
	}
	whenAllTestsEnd(p.stop)
	return phpServer{address, root}, p.until(10*time.Second, func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}
