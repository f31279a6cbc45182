package test

import (
	"net/http"
	"os/exec"
	"testing"
)

// debianPython is the Python that Debian's packages are for. Another one may
// come first in PATH.
const debianPython = "/usr/bin/python3"

// python is a command of Debian's Python, for an app in this folder.
func python(t *testing.T, folder string, args ...string) *exec.Cmd {
	t.Helper()
	for module, file := range map[string]string{
		"python3-flask": "/usr/lib/python3/dist-packages/flask", "python3-django": "/usr/lib/python3/dist-packages/django",
	} {
		if err := installed(file, module); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command(debianPython, args...)
	command.Dir = folder
	command.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + folder, "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"}
	return command
}

// The Flask app of docs/upstreams.md, behind the gateway: the visitor is its
// REMOTE_USER, with the visitor's own address and scheme.
func TestUpstreamsFlask(t *testing.T) {
	w := newWorld(t)
	folder, port := t.TempDir(), freePort(t)
	put(t, snippet(t, "shop.py"), folder, "shop.py")
	listens(t, port, python(t, folder, "-m", "flask", "--app", "shop", "run", "--host", "127.0.0.1", "--port", port))
	site := w.secureSite(options{auth: "public /me", proxy: "reverse_proxy 127.0.0.1:" + port})
	type me struct {
		User                 *string
		Nickname, IP, Scheme string
	}
	stranger := w.secureVisitor("hong")
	if got := says[me](t, stranger.send(http.MethodGet, site+"/me", "", forger())); got.User != nil || got.Nickname != "" || got.Scheme != "https" || got.IP != "127.0.0.1" {
		t.Errorf("a stranger is %+v", got)
	}
	for person, nickname := range map[string]string{"ming": "小明", "hong": "小红 🌸"} {
		v := w.secureVisitor(person)
		v.signIn(site + "/_wechat/login?return_to=/me&scope=snsapi_userinfo")
		for _, h := range []http.Header{nil, forger()} {
			got := says[me](t, v.send(http.MethodGet, site+"/me", "", h))
			if got.User == nil || len(*got.User) != 26 || got.Nickname != nickname || got.Scheme != "https" || got.IP != "127.0.0.1" {
				t.Errorf("%s is %+v", person, got)
			}
		}
	}
}

// The Django settings of docs/upstreams.md: an account is made for each person,
// and none for a stranger.
func TestUpstreamsDjango(t *testing.T) {
	w := newWorld(t)
	folder, port := t.TempDir(), freePort(t)
	run := func(args ...string) {
		t.Helper()
		if out, err := python(t, folder, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	run("-m", "django", "startproject", "shop", ".")
	put(t, snippet(t, "shop/wechat.py"), folder, "shop", "wechat.py")
	put(t, read(t, folder+"/shop/settings.py")+"\n"+snippet(t, "shop/settings.py"), folder, "shop", "settings.py")
	put(t, `
from django.contrib.auth.models import User
from django.http import JsonResponse
from django.urls import path

def me(request):
    user = request.user
    request.session["seen"] = request.session.get("seen", 0) + 1
    if user.is_authenticated:
        request.session["private"] = user.get_username()
    return JsonResponse({
        "user": user.get_username(), "nickname": getattr(user, "first_name", ""), "secure": request.is_secure(),
        "accounts": User.objects.count(), "seen": request.session["seen"], "private": request.session.get("private", ""),
    })

urlpatterns = [path("me", me)]
`, folder, "shop", "urls.py")
	run("manage.py", "migrate", "--verbosity", "0")
	run("manage.py", "check", "--fail-level", "WARNING")
	listens(t, port, python(t, folder, "manage.py", "runserver", "--noreload", "127.0.0.1:"+port))
	site := w.secureSite(options{auth: "public /me", proxy: "reverse_proxy 127.0.0.1:" + port})
	type me struct {
		User, Nickname, Private string
		Secure                  bool
		Accounts, Seen          int
	}
	signIn := func(person string) *visitor {
		v := w.secureVisitor(person)
		v.signIn(site + "/_wechat/login?return_to=/me&scope=snsapi_userinfo")
		return v
	}
	stranger := w.secureVisitor("hong")
	if got := says[me](t, stranger.send(http.MethodGet, site+"/me", "", forger())); got.User != "" || !got.Secure || got.Accounts != 0 {
		t.Errorf("a stranger is %+v", got)
	}
	ming, hong := signIn("ming"), signIn("hong")
	first := says[me](t, ming.send(http.MethodGet, site+"/me", "", forger()))
	if len(first.User) != 26 || first.Nickname != "小明" || !first.Secure || first.Seen < 2 {
		t.Errorf("ming is %+v", first)
	}
	tell := func(v *visitor) me { return says[me](t, v.send(http.MethodGet, site+"/me", "", nil)) }
	// A stranger plants the session of a public page, and waits for its owner.
	attacker, victim := w.secureVisitor("hong"), w.secureVisitor("ming")
	tell(attacker)
	victim.carries(t, site, "/", attacker, "sessionid")
	if got := tell(victim); got.User != "" || got.Seen != 2 {
		t.Errorf("before the sign-in, the victim is %+v", got)
	}
	victim.signIn(site + "/_wechat/login?return_to=/me&scope=snsapi_userinfo")
	if got := tell(victim); got.Private != first.User || got.Seen < 3 {
		t.Errorf("after the sign-in, the victim is %+v, want ming with the session of before", got)
	}
	if got := tell(attacker); got.Private != "" || got.Seen != 1 {
		t.Errorf("the attacker has the victim's session: %+v", got)
	}
	// Two people with one browser: the second has a session of their own.
	hong.carries(t, site, "/", ming, "sessionid")
	second := says[me](t, hong.send(http.MethodGet, site+"/me", "", nil))
	if second.User == first.User || second.Nickname != "小红 🌸" || second.Seen != 1 || second.Accounts != 2 {
		t.Errorf("hong, in ming's browser, is %+v; ming was %+v", second, first)
	}
	// The app's cookie alone, on a public path.
	copied := w.secureVisitor("hong")
	copied.carries(t, site, "/", ming, "sessionid")
	if got := tell(copied); got.User != "" || got.Private != "" || got.Seen != 1 {
		t.Errorf("a copy of ming's cookie of the app shows %+v", got)
	}
}
