package test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// paymentKey is what a payment site and its shop share.
const paymentKey = "the payment site's own key"

// signedPayment is what a payment site says of a payment, in GBK, signed.
func signedPayment(order string) string {
	text := "orderId=" + order + "&txnAmt=1200&subject=%C4%E3%BA%C3+%BB%A8&empty="
	return text + "&sign=" + url.QueryEscape(paymentSign(text))
}

func paymentSign(text string) string {
	mac := hmac.New(sha256.New, []byte(paymentKey))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// paymentOrder returns the order of a payment whose signature is right, or "".
func paymentOrder(signed string) string {
	text, sign, _ := strings.Cut(signed, "&sign=")
	if got, err := url.QueryUnescape(sign); err != nil || !hmac.Equal([]byte(got), []byte(paymentSign(text))) {
		return ""
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return ""
	}
	return values.Get("orderId")
}

// paymentShop is an app that is paid through another site. It answers as
// docs/oldapps.md asks of an app.
type paymentShop struct {
	*httptest.Server
	mu   sync.Mutex
	paid map[string]bool
	seen []received
}

func newPaymentShop(t *testing.T) *paymentShop {
	t.Helper()
	shop := &paymentShop{paid: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkout", shop.checkout)
	mux.HandleFunc("POST /pay/notify/{how}", shop.notified)
	mux.HandleFunc("/pay/return/{how}", shop.returned)
	mux.HandleFunc("GET /orders/{order}", shop.order)
	shop.Server = httptest.NewServer(mux)
	t.Cleanup(shop.Close)
	return shop
}

// checkout leads to the payment site that the query names.
func (s *paymentShop) checkout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: "cart-of-7", Path: "/", HttpOnly: true})
	fmt.Fprintf(w, `<!doctype html><title>shop</title><form method="post" action="%s"><button>checkout</button></form>`, html.EscapeString(r.FormValue("at")))
}

func (s *paymentShop) notified(w http.ResponseWriter, r *http.Request) {
	order := paymentOrder(s.remember(r))
	if order == "" {
		http.Error(w, "bad signature", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.paid[order] = true
	s.mu.Unlock()
	_, _ = io.WriteString(w, "success")
}

func (s *paymentShop) returned(w http.ResponseWriter, r *http.Request) {
	signed := s.remember(r)
	if r.Method == http.MethodGet {
		signed = r.URL.RawQuery
	}
	order := paymentOrder(signed)
	if order == "" {
		http.Error(w, "bad signature", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, "/orders/"+order, http.StatusSeeOther)
}

func (s *paymentShop) order(w http.ResponseWriter, r *http.Request) {
	s.remember(r)
	cart, err := r.Cookie("JSESSIONID")
	if err != nil {
		cart = new(http.Cookie)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	order := r.PathValue("order")
	fmt.Fprintf(w, "<!doctype html><title>shop</title>order %s, paid %v, cart %s", order, s.paid[order], cart.Value)
}

// remember keeps a request, and returns its body.
func (s *paymentShop) remember(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, received{r.Method, r.RequestURI, r.Header.Clone(), nil, string(body)})
	return string(body)
}

// last returns the latest request for a path, or nil.
func (s *paymentShop) last(path string) *received {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range slices.Backward(s.seen) {
		if at, _, _ := strings.Cut(r.uri, "?"); at == path {
			return &r
		}
	}
	return nil
}

// paymentSite starts a payment site on another origin. Its page /post returns
// by a form that a script posts, as UnionPay does; /get by a redirect, as
// Alipay does. Before, it tells the shop's server, as both do.
func (w *world) paymentSite(site string) string {
	w.t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy, transport.TLSClientConfig = nil, w.trust()
	w.t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	mux := http.NewServeMux()
	mux.HandleFunc("/{how}", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(rw, `<!doctype html><title>payment</title><form method="post" action="/%s/paid"><button>pay 12.00</button></form>`, r.PathValue("how"))
	})
	mux.HandleFunc("POST /{how}/paid", func(rw http.ResponseWriter, r *http.Request) {
		signed := signedPayment("7")
		if answer, err := notifyShop(client, site, signed); answer != "200 success" || err != nil {
			w.t.Errorf("the shop's server answers the notify with %s (%v)", answer, err)
		}
		if r.PathValue("how") == "get" {
			http.Redirect(rw, r, site+"/pay/return/alipay?"+signed, http.StatusFound)
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=GBK")
		fmt.Fprintf(rw, `<!doctype html><title>back to the shop</title><form id="back" method="post" action="%s/pay/return/unionpay">`, site)
		for pair := range strings.SplitSeq(signed, "&") {
			name, value, _ := strings.Cut(pair, "=")
			plain, err := url.QueryUnescape(value)
			if err != nil {
				w.t.Error(err)
			}
			fmt.Fprintf(rw, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(plain))
		}
		_, _ = io.WriteString(rw, `</form><script>document.getElementById('back').submit()</script>`)
	})
	server := httptest.NewServer(mux)
	w.t.Cleanup(server.Close)
	return server.URL
}

// notifyShop tells a shop's server of a payment: no cookies, a bare client, and
// headers by which somebody might try to be a visitor.
func notifyShop(client *http.Client, site, signed string) (string, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, site+"/pay/notify/unionpay", strings.NewReader(signed))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=GBK")
	request.Header.Set("X-Wechat-Openid", "evil")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return fmt.Sprintf("%d %s", response.StatusCode, bytes.TrimSpace(body)), err
}

// A visitor pays on another site and comes back to the order, with the session
// and the cart of before, whether the way back is a POST or a GET, and whether
// the session is alive meanwhile or not.
func TestBrowserPays(t *testing.T) {
	for _, c := range []struct {
		how, returns string
		method       string
		loses        bool
	}{
		{"post", "/pay/return/unionpay", http.MethodPost, false},
		{"post", "/pay/return/unionpay", http.MethodPost, true},
		{"get", "/pay/return/alipay", http.MethodGet, false},
		{"get", "/pay/return/alipay", http.MethodGet, true},
	} {
		t.Run(fmt.Sprintf("returns by %s, session lost %v", c.method, c.loses), func(t *testing.T) {
			w := newWorld(t)
			shop := newPaymentShop(t)
			site := w.secureSite(options{auth: "public /pay/notify/* /pay/return/*", proxy: "reverse_proxy " + shop.Listener.Addr().String()})
			b := w.phone("ming")
			b.signsInto(site+"/checkout?at="+url.QueryEscape(w.paymentSite(site)+"/"+c.how), "checkout")
			before := b.sessionCookie(site)
			b.tap("button")
			b.sees("pay 12.00")
			if c.loses {
				b.loses(site)
			}
			b.tap("button")
			b.arrives(site + "/orders/7")
			b.sees("order 7, paid true, cart cart-of-7")

			openid := w.wechat.OpenID("ming", appID)
			shop.check(t, "/pay/notify/unionpay", http.MethodPost, signedPayment("7"), "")
			if c.method == http.MethodPost {
				shop.check(t, c.returns, http.MethodPost, signedPayment("7"), "")
			} else {
				shop.check(t, c.returns+"?"+signedPayment("7"), http.MethodGet, "", map[bool]string{false: openid, true: ""}[c.loses])
			}
			shop.check(t, "/orders/7", http.MethodGet, "", openid)
			after := b.sessionCookie(site)
			if after == nil || !c.loses && after.Value != before.Value {
				t.Errorf("the session was %+v, and is %+v", before, after)
			}
			b.reloads()
			b.sees("order 7, paid true, cart cart-of-7")
		})
	}
}

// check compares the latest request for an address with what it should have
// been.
func (s *paymentShop) check(t *testing.T, uri, method, body, openid string) {
	t.Helper()
	path, _, _ := strings.Cut(uri, "?")
	got := s.last(path)
	if got == nil {
		t.Errorf("the shop was never asked for %s", path)
		return
	}
	if got.uri != uri || got.method != method || got.body != body || got.header.Get("X-Wechat-Openid") != openid {
		t.Errorf("the shop was asked: %s %s, body %q, openid %q\nwant: %s %s, body %q, openid %q",
			got.method, got.uri, got.body, got.header.Get("X-Wechat-Openid"), method, uri, body, openid)
	}
	if cookie := got.header.Get("Cookie"); strings.Contains(cookie, "wechat") {
		t.Errorf("%s came with our cookies: %s", uri, cookie)
	}
}

// Where the return is not public, the POST of another site does not reach the
// app: the page says so, and the visitor is still signed in.
func TestBrowserPaysWhereTheReturnIsProtected(t *testing.T) {
	w := newWorld(t)
	shop := newPaymentShop(t)
	site := w.secureSite(options{auth: "public /pay/notify/*", proxy: "reverse_proxy " + shop.Listener.Addr().String()})
	b := w.phone("ming")
	b.signsInto(site+"/checkout?at="+url.QueryEscape(w.paymentSite(site)+"/post"), "checkout")
	b.tap("button")
	b.sees("pay 12.00")
	b.tap("button")
	b.arrives(site + "/pay/return/unionpay")
	b.sees("登录已过期")
	if got := shop.last("/pay/return/unionpay"); got != nil {
		t.Errorf("the shop was asked: %+v", got)
	}
	b.open(site + "/orders/7")
	b.sees("order 7, paid true, cart cart-of-7")
	shop.check(t, "/orders/7", http.MethodGet, "", w.wechat.OpenID("ming", appID))

	// By GET it needs nothing: the cookie comes along, or the visitor signs in
	// and arrives with the signature as it was.
	for _, loses := range []bool{false, true} {
		if loses {
			b.loses(site)
		}
		b.open(w.paymentSite(site) + "/get")
		b.tap("button")
		b.arrives(site + "/orders/7")
		shop.check(t, "/pay/return/alipay?"+signedPayment("7"), http.MethodGet, "", w.wechat.OpenID("ming", appID))
	}
}

// What a stranger sends to the public addresses reaches the app as a
// stranger's: without an identity, and the app finds no signature.
func TestForgedPaymentReport(t *testing.T) {
	w := newWorld(t)
	shop := newPaymentShop(t)
	site := w.secureSite(options{auth: "public /pay/notify/* /pay/return/*", proxy: "reverse_proxy " + shop.Listener.Addr().String()})
	v := w.secureVisitor("ming")
	form := forgeries()
	form.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, path := range []string{"/pay/notify/unionpay", "/pay/return/unionpay"} {
		if a := v.send(http.MethodPost, site+path, "orderId=7&sign=AAAA", form); a.StatusCode != http.StatusBadRequest || len(a.Cookies()) > 0 {
			t.Errorf("%s: %s, cookies %v", path, a.Status, a.Cookies())
		}
		shop.check(t, path, http.MethodPost, "orderId=7&sign=AAAA", "")
		for name := range shop.last(path).header {
			if strings.HasPrefix(name, "X-Wechat") {
				t.Errorf("%s came with %s", path, name)
			}
		}
	}
	// A path that is not public, as it looks to a payment site's server.
	if a := v.send(http.MethodPost, site+"/orders/7", signedPayment("7"), http.Header{"Accept": {"*/*"}}); a.StatusCode != http.StatusUnauthorized || shop.last("/orders/7") != nil {
		t.Errorf("a report to a protected path: %s", a.Status)
	}
}
