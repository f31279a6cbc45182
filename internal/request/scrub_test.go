package request

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// identity are the headers that a site may have.
var identity = []string{
	"X-Remote-User", "X-Wechat-User", "X-Wechat-Openid", "X-Wechat-Unionid", "X-Wechat-App-Id", "X-Wechat-Account", "X-Wechat-Scope",
	"X-Wechat-Nickname", "X-Wechat-Avatar", "X-Wechat-Phone", "X-Wechat-Snapshot",
}

// shopScrub is the scrub of a site that renamed one header.
func shopScrub() Scrub { return NewScrub(identity) }

// Attack 10: X_Wechat_Openid and its kin, read by CGI, PHP and servlets as the
// same header. Attack 40: identity headers that survive where nothing is set.
func TestAttack10And40EverySpellingGoes(t *testing.T) {
	t.Parallel()
	names := append(slices.Clone(identity), "X-Wechat-Anything-Later", "X-Wechat-Require", "X-Wechat-Logout")
	for _, name := range names {
		for _, spelling := range []string{
			name, strings.ToLower(name), strings.ToUpper(name),
			strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", "."),
			strings.ToLower(strings.ReplaceAll(name, "-", "_")), strings.Replace(name, "-", "_", 1), strings.Replace(name, "-", ".", 1),
		} {
			r := request(t, "GET", "/", "Accept", "*/*")
			r.Header[spelling] = []string{"forged", "twice"} // as it would come over HTTP/2 or from another handler
			shopScrub().Request(r)
			if _, there := r.Header[spelling]; there {
				t.Errorf("%s survives", spelling)
			}
			if r.Header.Get("Accept") != "*/*" {
				t.Errorf("%s: an honest header went too", spelling)
			}
		}
	}
}

func TestScrubLeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	r := request(t, "POST", "/", "Accept", "*/*", "X-Wechatter", "1", "X-Wechat", "2", "Wechat-Openid", "3", "X-Remote-Username", "4", "X_Other", "5",
		"Connection", "keep-alive, Upgrade", "Cookie", "X-Wechat-Openid=1", "Authorization", "Bearer x", "X-Wx-Openid", "6")
	before := maps.Clone(r.Header)
	shopScrub().Request(r)
	if !maps.EqualFunc(before, r.Header, slices.Equal) {
		t.Errorf("changed: %v, was %v", r.Header, before)
	}
	var zero Scrub
	zero.Request(r)
	if !maps.EqualFunc(before, r.Header, slices.Equal) {
		t.Errorf("the zero Scrub changed: %v", r.Header)
	}
}

// A client that names our headers in Connection would have a proxy behind us
// delete the identity that we set.
func TestScrubConnection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lines, want []string
	}{
		{[]string{"keep-alive"}, []string{"keep-alive"}},
		{[]string{"X-Wechat-Openid"}, nil},
		{[]string{"keep-alive, X-Wechat-Openid"}, []string{"keep-alive"}},
		{[]string{"x-wechat-openid,keep-alive ,\tX_Wechat_User,Upgrade"}, []string{"keep-alive, Upgrade"}},
		{[]string{"close", "X-Remote-User", "Upgrade"}, []string{"close, Upgrade"}},
		{[]string{" x.remote.user ", ",,"}, nil},
		{[]string{"Upgrade", "keep-alive"}, []string{"Upgrade", "keep-alive"}},
		{[]string{"X-Wechatter"}, []string{"X-Wechatter"}},
	} {
		for _, field := range []string{"Connection", "Proxy-Connection"} {
			r := request(t, "GET", "/")
			r.Header[field] = slices.Clone(c.lines)
			shopScrub().Request(r)
			if got := r.Header[field]; !slices.Equal(got, c.want) {
				t.Errorf("%s %q: %q, want %q", field, c.lines, got, c.want)
			}
		}
	}
}

// Trailers come after the body, when nobody looks any more. The glue hands a
// copy of the server's request on, as here; net/http adds trailers to its own.
func TestScrubTrailers(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r = r.WithContext(r.Context())
		shopScrub().Request(r)
		_, _ = r.Body.Read(make([]byte, 64))
		_, _ = r.Body.Read(make([]byte, 64))
		seen <- r.Trailer
	}))
	defer server.Close()
	body := struct{ *strings.Reader }{strings.NewReader("body")} // hides the length: chunked
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Trailer = http.Header{"X-Wechat-Openid": {"forged"}, "X-Other": {"x"}}
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if got := <-seen; len(got) != 0 {
		t.Errorf("trailers reach the upstream: %v", got)
	}
	r = request(t, "POST", "/", "Trailer", "X-Wechat-Openid")
	shopScrub().Request(r)
	if r.Header.Get("Trailer") != "" {
		t.Error("the announcement of trailers survives")
	}
}

// servletName is how a servlet container, PHP or CGI names a header.
func servletName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 32
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		default:
			return '_'
		}
	}, name)
}

func FuzzScrub(f *testing.F) {
	for _, seed := range []string{"X-Wechat-Openid", "x_wechat.user", " X-Remote-User", "X-Wechat_", "Connection", "Ⅹ-Wechat-User"} {
		f.Add(seed, "keep-alive, "+seed)
	}
	scrub := shopScrub()
	f.Fuzz(func(t *testing.T, name, connection string) {
		r := &http.Request{Header: http.Header{name: {"forged"}, "Accept": {"*/*"}}}
		r.Header["Connection"] = []string{connection}
		scrub.Request(r)
		for left := range r.Header {
			if s := strings.ReplaceAll(servletName(left), ".", "_"); isToken(left) && (strings.HasPrefix(s, "X_WECHAT_") || s == "X_REMOTE_USER") && plainPunctuation(left) {
				t.Fatalf("%q survives", left)
			}
		}
		for _, line := range r.Header["Connection"] {
			for token := range strings.SplitSeq(line, ",") {
				if scrub.ours(strings.TrimSpace(token)) {
					t.Fatalf("Connection %q still names %q", connection, token)
				}
			}
		}
		if name != "Accept" && name != "Connection" && r.Header.Get("Accept") != "*/*" {
			t.Fatalf("%q took Accept along", name)
		}
	})
}

// isToken reports whether net/http would let name in at all.
func isToken(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return name != ""
}

// plainPunctuation reports whether name has only the separators that real
// containers are known to fold.
func plainPunctuation(name string) bool { return !strings.ContainsAny(name, "!#$%&'*+^`|~") }
