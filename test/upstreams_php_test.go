package test

import (
	"fmt"
	"net/http"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// upstreamsPHP runs a PHP-FPM with iconv, which Debian's php.ini loads, and
// returns its address.
func upstreamsPHP(t *testing.T) string {
	t.Helper()
	programs, err := filepath.Glob("/usr/sbin/php-fpm*") // Debian puts the version behind
	if err != nil || len(programs) == 0 {
		t.Fatal(installed("/usr/sbin/php-fpm", "php-fpm"))
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	folder, port := t.TempDir(), freePort(t)
	config := put(t, fmt.Sprintf("[global]\nerror_log = %s/log\n[www]\nuser = %s\nlisten = 127.0.0.1:%s\npm = static\npm.max_children = 1\n", folder, me.Username, port), folder, "fpm.conf")
	listens(t, port, exec.Command(programs[0], "--nodaemonize", "--allow-to-run-as-root", "-n", "-d", "extension=iconv", "--fpm-config", config))
	return "127.0.0.1:" + port
}

// PHP runs the two files of docs/upstreams.md, in GBK and with sessions.
func TestUpstreamsPHP(t *testing.T) {
	w := newWorld(t)
	prankster := w.prankster(t)
	root, sessions := t.TempDir(), t.TempDir()
	put(t, snippet(t, "wechat.php"), root, "wechat.php")
	put(t, converted(t, snippet(t, "who.php"), "UTF-8", "GBK"), root, "who.php")
	put(t, `<?php
require 'wechat.php';
header('Content-Type: application/json');
$_SESSION['seen'] = (isset($_SESSION['seen']) ? $_SESSION['seen'] : 0) + 1;
if ($wechat_user !== null) $_SESSION['private'] = $wechat_user;
echo json_encode(array('user' => $wechat_user, 'nickname' => $wechat_nickname, 'remote' => $_SERVER['REMOTE_USER'], 'seen' => $_SESSION['seen'], 'private' => isset($_SESSION['private']) ? $_SESSION['private'] : '', 'https' => isset($_SERVER['HTTPS'])));
`, root, "me.php")
	address := upstreamsPHP(t)
	site := w.secureSite(options{auth: "public /me.php", proxy: "root * " + root + "\n\tphp_fastcgi " + address + " {\n\t\tenv PHP_ADMIN_VALUE session.save_path=" + sessions + "\n\t}"})
	for person, greeting := range map[string]string{
		"ming": "<h1>你好，小明！</h1>", "hong": "<h1>你好，小红 ?！</h1>", prankster: "<h1>你好，&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;！</h1>",
	} {
		_, a := w.meets(t, site, person, "/who.php")
		if page := converted(t, a.body, "GBK", "UTF-8"); !strings.Contains(page, greeting) || !strings.Contains(a.Header.Get("Content-Type"), "charset=GBK") {
			t.Errorf("%s reads %q: %s", person, a.Header.Get("Content-Type"), page)
		}
	}
	type me struct {
		User, Remote      *string
		Nickname, Private string
		Seen              int
		HTTPS             bool
	}
	stranger := w.secureVisitor("hong")
	if got := says[me](t, stranger.send(http.MethodGet, site+"/me.php", "", forger())); got.User != nil || got.Nickname != "" || got.Remote != nil && *got.Remote != "" || !got.HTTPS {
		t.Errorf("a stranger is %+v", got)
	}
	ming, _ := w.meets(t, site, "ming", "/who.php")
	first := says[me](t, ming.send(http.MethodGet, site+"/me.php", "", forger()))
	if first.User == nil || len(*first.User) != 26 || first.Nickname != "小明" || first.Remote == nil || *first.Remote != w.wechat.OpenID("ming", appID) {
		t.Errorf("ming is %+v", first)
	}
	tell := func(v *visitor) me { return says[me](t, v.send(http.MethodGet, site+"/me.php", "", nil)) }
	// A stranger plants the session of a public page, or one with an id of the
	// stranger's making, and waits for its owner.
	for _, made := range []string{"", "0123456789abcdefghijkl"} {
		attacker, victim := w.secureVisitor("hong"), w.secureVisitor("ming")
		if made != "" {
			attacker.plants(t, site, "/", "PHPSESSID", made)
		}
		tell(attacker)
		planted := attacker.cookie(site+"/", "PHPSESSID")
		victim.carries(t, site, "/", attacker, "PHPSESSID")
		if got := tell(victim); got.User != nil || got.Seen != 2 {
			t.Errorf("before the sign-in, the victim is %+v", got)
		}
		victim.signIn(site + "/who.php")
		got, id := tell(victim), victim.cookie(site+"/", "PHPSESSID")
		if got.User == nil || got.Private != *first.User || got.Seen != 3 || id == planted || made != "" && planted != made {
			t.Errorf("after the sign-in, the victim is %+v, want ming with the session of before", got)
		}
		if got := tell(victim); got.Seen != 4 || victim.cookie(site+"/", "PHPSESSID") != id {
			t.Errorf("the session's id changes again; the victim is %+v", got)
		}
		if got := tell(attacker); got.Private != "" || got.Seen != 1 {
			t.Errorf("the attacker has the victim's session: %+v", got)
		}
	}
	// Two people with one browser.
	hong, _ := w.meets(t, site, "hong", "/who.php")
	hong.carries(t, site, "/", ming, "PHPSESSID")
	if got := says[me](t, hong.send(http.MethodGet, site+"/me.php", "", nil)); got.User == nil || *got.User == *first.User || got.Private != *got.User || got.Seen != 1 || got.Nickname != "小红 🌸" {
		t.Errorf("hong, in ming's browser, is %+v", got)
	}
	// As the Caddyfile of the document sets it.
	block := directiveOf(t, "php_fastcgi unix//run/php/shop.sock {")
	w.secureSite(options{proxy: "root * " + root + "\n\t" + strings.Replace(block, "unix//run/php/shop.sock", address, 1)})
	if got := says[me](t, ming.send(http.MethodGet, site+"/me.php", "", nil)); got.Remote == nil || *got.Remote != *first.User {
		t.Errorf("with env REMOTE_USER, ming is %+v", got)
	}
}

// directiveOf returns the directive of a Caddyfile in docs/upstreams.md that
// begins with these words.
func directiveOf(t *testing.T, begin string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, upstreamsDocument), "\t"+begin)
	body, _, ends := strings.Cut(rest, "\n\t}\n")
	if !found || !ends {
		t.Fatalf("%s has no %s", upstreamsDocument, begin)
	}
	return begin + body + "\n\t}"
}
