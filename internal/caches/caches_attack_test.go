package caches

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const renewedCookie = "__Host-wechat=value; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"

// on returns headers of an answer, one line for each.
func on(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

// Attack: a shared cache keeps an answer with a renewed session cookie, and
// signs its next visitors in as the one before. The cookie goes wherever the
// answer says that it may be kept, also to some caches only, or says it so that
// not all read it alike.
func TestAttackCacheKeepsASession(t *testing.T) {
	t.Parallel()
	later, behind := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), time.Now().Add(-time.Hour).UTC()
	for name, lines := range map[string][]string{
		"public":                       {"Cache-Control: public"},
		"in capitals":                  {"Cache-Control: PUBLIC"},
		"for an hour":                  {"Cache-Control: max-age=3600"},
		"quoted":                       {`Cache-Control: max-age="3600"`},
		"with blanks":                  {"Cache-Control: \t max-age = 3600 "},
		"how long cannot be read":      {"Cache-Control: max-age=an-hour"},
		"how long is missing":          {"Cache-Control: max-age"},
		"longer than a number":         {"Cache-Control: max-age=99999999999999999999999"},
		"two times":                    {"Cache-Control: max-age=0, max-age=600"},
		"on another line":              {"Cache-Control: no-cache", "Cache-Control: max-age=600"},
		"for proxies":                  {"Cache-Control: max-age=0, s-maxage=600"},
		"immutable":                    {"Cache-Control: immutable"},
		"stale":                        {"Cache-Control: max-age=0, stale-while-revalidate=60"},
		"stale when it fails":          {"Cache-Control: no-cache, stale-if-error=60"},
		"with a password, too":         {"Cache-Control: must-revalidate"},
		"private in part":              {`Cache-Control: private="x-account"`},
		"private in part, for an hour": {`Cache-Control: max-age=3600, private="set-cookie"`},
		"private in a quotation":       {`Cache-Control: max-age=3600, x="a, private, b"`},
		"private in a name":            {"Cache-Control: max-age=3600, not-private"},
		"private behind a quotation":   {`Cache-Control: max-age=3600, x="a\", private`},
		"no-store is in a value":       {"Cache-Control: max-age=3600, x=no-store"},
		"a quotation without end":      {`Cache-Control: x="a, max-age=600`},
		"semicolons":                   {"Cache-Control: public; max-age=600"},
		"no-store, understood":         {"Cache-Control: must-understand, no-store, max-age=600"},
		"until later":                  {"Expires: " + later},
		"until later, no-cache":        {"Cache-Control: no-cache", "Expires: " + later},
		"until later, the app's clock": {"Date: " + behind.Format(http.TimeFormat), "Expires: " + behind.Add(time.Minute).Format(http.TimeFormat)},
		"until later, in an odd form":  {"Expires: Thu, 01-Jan-2099 00:00:00 CST"},
		"until who knows":              {"Expires: next week"},
		"two moments":                  {"Expires: 0", "Expires: " + later},

		"CDN":                         {"CDN-Cache-Control: max-age=600"},
		"CDN, private for others":     {"Cache-Control: private", "CDN-Cache-Control: max-age=600"},
		"CDN, no-store for others":    {"Cache-Control: no-store", "CDN-Cache-Control: s-maxage=600"},
		"CDN, asked each time":        {"Cache-Control: private", "CDN-Cache-Control: no-cache"},
		"CDN, empty":                  {"Cache-Control: private", "CDN-Cache-Control: "},
		"CDN, unclear":                {"Cache-Control: private", `CDN-Cache-Control: no-store, x="`},
		"CDN, understood":             {"Cache-Control: private", "CDN-Cache-Control: no-store, must-understand"},
		"Cloudflare":                  {"Cache-Control: private", "Cloudflare-CDN-Cache-Control: max-age=600"},
		"Vercel":                      {"Cache-Control: private", "CDN-Cache-Control: no-store", "Vercel-CDN-Cache-Control: max-age=600"},
		"Akamai":                      {"Cache-Control: private", "Edge-Control: cache-maxage=1d"},
		"Akamai takes it back":        {"Cache-Control: private", "Edge-Control: no-store, !no-store"},
		"Fastly":                      {"Cache-Control: private", "Surrogate-Control: max-age=600"},
		"ESI":                         {"Cache-Control: private", `Surrogate-Control: content="ESI/1.0"`},
		"some surrogates":             {"Cache-Control: private", "Surrogate-Control: no-store;abc"},
		"nginx":                       {"Cache-Control: private", "X-Accel-Expires: 600"},
		"nginx, a moment":             {"Cache-Control: private", "X-Accel-Expires: @0"},
		"nginx, two":                  {"Cache-Control: private", "X-Accel-Expires: 0", "X-Accel-Expires: 600"},
		"LiteSpeed":                   {"Cache-Control: private", "X-LiteSpeed-Cache-Control: public,max-age=600"},
		"LiteSpeed, for each address": {"Cache-Control: private", "X-LiteSpeed-Cache-Control: private,max-age=600"},
		"another CDN":                 {"Cache-Control: private", "Akamai-Cache-Control: max-age=600"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := on(lines...)
			h["Set-Cookie"] = []string{"app=1", renewedCookie, "wechat-landed=1; Path=/", "wechats=2"}
			want := h.Clone()
			want["Set-Cookie"] = []string{"app=1", "wechats=2"}
			KeepFrom(h)
			if !sameHeaders(h, want) {
				t.Errorf("%v, want %v", h, want)
			}
		})
	}
}

// An answer that no shared cache keeps, or that says nothing about it, carries
// the cookie, or whoever visits such an app is signed out; and it says private.
func TestRenewalOfPrivateAnswers(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	for name, c := range map[string]struct{ lines, want []string }{
		"nothing":                   {nil, []string{"private"}},
		"nothing but a date":        {[]string{"Last-Modified: " + now.Add(-time.Hour).Format(http.TimeFormat)}, []string{"private"}},
		"an empty line":             {[]string{"Cache-Control: "}, []string{"private"}},
		"private":                   {[]string{"Cache-Control: private"}, []string{"private"}},
		"private for an hour":       {[]string{"Cache-Control: max-age=3600, Private"}, []string{"max-age=3600, Private"}},
		"private, and in part":      {[]string{`Cache-Control: private, private="x"`}, []string{`private, private="x"`}},
		"private on another line":   {[]string{"Cache-Control: max-age=3600", "Cache-Control: private"}, []string{"max-age=3600", "private"}},
		"private, until later":      {[]string{"Cache-Control: private", "Expires: " + now.Add(time.Hour).Format(http.TimeFormat)}, []string{"private"}},
		"no-store":                  {[]string{"Cache-Control: no-store"}, []string{"private, no-store"}},
		"no-store, public":          {[]string{"Cache-Control: public, no-store"}, []string{"private, public, no-store"}},
		"no-cache":                  {[]string{"Cache-Control: no-cache"}, []string{"private, no-cache"}},
		"no-cache, must-revalidate": {[]string{"Cache-Control: no-cache, must-revalidate", "Pragma: no-cache"}, []string{"private, no-cache, must-revalidate"}},
		"of WebSphere":              {[]string{`Cache-Control: no-cache="set-cookie, set-cookie2"`, "Expires: Thu, 01 Dec 1994 16:00:00 GMT"}, []string{`private, no-cache="set-cookie, set-cookie2"`}},
		"of PHP":                    {[]string{"Cache-Control: no-store, no-cache, must-revalidate, post-check=0, pre-check=0", "Expires: Thu, 19 Nov 1981 08:52:00 GMT"}, []string{"private, no-store, no-cache, must-revalidate, post-check=0, pre-check=0"}},
		"of Tomcat":                 {[]string{"Pragma: No-cache", "Cache-Control: no-cache", "Expires: Thu, 01 Jan 1970 08:00:00 CST"}, []string{"private, no-cache"}},
		"max-age=0":                 {[]string{"Cache-Control: max-age=0, must-revalidate"}, []string{"private, max-age=0, must-revalidate"}},
		"max-age=-1":                {[]string{"Cache-Control: max-age=-1"}, []string{"private, max-age=-1"}},
		"s-maxage=0":                {[]string{"Cache-Control: s-maxage=0"}, []string{"private, s-maxage=0"}},
		"something else":            {[]string{"Cache-Control: no-transform, x=1,, y"}, []string{"private, no-transform, x=1,, y"}},
		"over":                      {[]string{"Expires: 0"}, []string{"private"}},
		"over since -1":             {[]string{"Expires: -1"}, []string{"private"}},
		"over now":                  {[]string{"Date: " + now.Format(http.TimeFormat), "Expires: " + now.Format(http.TimeFormat)}, []string{"private"}},
		"over since 1970":           {[]string{"Expires: Thu, 01-Jan-1970 00:00:00 GMT"}, []string{"private"}},
		"kept by no CDN":            {[]string{"CDN-Cache-Control: no-store", "Surrogate-Control: private", "X-Accel-Expires: 0", "Edge-Control: no-store", "X-LiteSpeed-Cache-Control: no-cache"}, []string{"private"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := on(c.lines...)
			h["Set-Cookie"] = []string{"app=1", renewedCookie}
			want := h.Clone()
			want["Cache-Control"] = c.want
			KeepFrom(h)
			if !sameHeaders(h, want) {
				t.Errorf("%v, want %v", h, want)
			}
		})
	}
}

// Names that no Set made are read, too; and what is not ours is left alone.
func TestKeepFromCachesOfOddAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ h, want http.Header }{
		"small letters": {
			http.Header{"cache-control": {"max-age=600"}, "Set-Cookie": {renewedCookie}},
			http.Header{"cache-control": {"max-age=600"}},
		},
		"a CDN in small letters": {
			http.Header{"cdn-cache-control": {"max-age=600"}, "Set-Cookie": {renewedCookie}},
			http.Header{"cdn-cache-control": {"max-age=600"}},
		},
		"no cookie of ours": {
			http.Header{"Cache-Control": {"public"}, "Set-Cookie": {"app=1", "xwechat=1"}},
			http.Header{"Cache-Control": {"public"}, "Set-Cookie": {"app=1", "xwechat=1"}},
		},
		"no cookie at all": {http.Header{"Expires": {"x"}}, http.Header{"Expires": {"x"}}},
		"nothing at all":   {http.Header{}, http.Header{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			KeepFrom(c.h)
			if !sameHeaders(c.h, c.want) {
				t.Errorf("%v, want %v", c.h, c.want)
			}
		})
	}
}

// Attack: the answer that signs somebody out is kept by a CDN, and signs others
// out.
func TestAttackCacheKeepsALogout(t *testing.T) {
	t.Parallel()
	h := on("Cache-Control: public", "CDN-Cache-Control: max-age=600", "X-Accel-Expires: 600", "Expires: Thu, 01 Jan 2099 00:00:00 GMT", "Content-Type: text/html")
	Forbid(h)
	if want := on("Cache-Control: no-store", "Content-Type: text/html"); !sameHeaders(h, want) {
		t.Errorf("%v, want %v", h, want)
	}
}

// It runs on every answer: without a cookie of ours it costs no memory.
func TestKeepFromCachesAllocatesNothing(t *testing.T) {
	h := on("Cache-Control: public, max-age=600", "Set-Cookie: app=1", "Set-Cookie: session=2; Path=/", "CDN-Cache-Control: max-age=600")
	if n := testing.AllocsPerRun(100, func() { KeepFrom(h) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func sameHeaders(a, b http.Header) bool {
	var texts [2]strings.Builder
	for i, h := range []http.Header{a, b} {
		_ = h.Write(&texts[i])
	}
	return texts[0].String() == texts[1].String()
}

// Whatever an app says: the cookie stays only where the answer is private in
// the end, for careful readers and for those that only look for words.
func FuzzKeepFromCaches(f *testing.F) {
	for _, line := range []string{"", "public", "private", `private="x"`, `x="a, private`, "max-age=1, no-store", "must-understand,no-store", "no-cache; x", "=,=", `"\`} {
		f.Add(line, "", "", "")
		f.Add("no-cache", line, line, "Thu, 01 Jan 1970 00:00:00 GMT")
	}
	f.Fuzz(func(t *testing.T, control, second, cdn, expires string) {
		h := http.Header{"Cache-Control": {control, second}, "Expires": {expires}, "Set-Cookie": {"app=1", renewedCookie}}
		if cdn != "" {
			h["Cdn-Cache-Control"] = []string{cdn}
		}
		KeepFrom(h)
		switch lines := h["Set-Cookie"]; {
		case len(lines) == 1 && lines[0] == "app=1":
		case len(lines) != 2:
			t.Errorf("cookies %q", lines)
		case !readCacheControl(h["Cache-Control"]).private:
			t.Errorf("kept with %q", h["Cache-Control"])
		case cdn != "" && !strings.Contains(strings.ToLower(cdn), "private") && !strings.Contains(strings.ToLower(cdn), "no-store"):
			t.Errorf("kept with %q for CDNs", cdn)
		}
	})
}
