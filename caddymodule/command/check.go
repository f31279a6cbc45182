package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// phoneUserAgent is the User-Agent of a WeChat browser.
const phoneUserAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003226) NetType/WIFI Language/zh_CN"

// walker is a browser that prints each hop.
type walker struct {
	client *http.Client
	out    io.Writer
	hops   int
}

// walk signs a visitor in, step by step, and fails unless the shop received the
// visitor's identity, and only from the gateway.
func walk(ctx context.Context, out io.Writer, siteURL string, s *shop) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	w := &walker{out: out, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	target := siteURL + "/orders?id=7"
	fmt.Fprintln(out, "A visitor in WeChat opens", target, "and claims to be another person (X-Wechat-Openid: evil).")
	fmt.Fprintf(out, "访客在微信里打开 %s，并且冒充别人（X-Wechat-Openid: evil）。\n", target)
	page, err := w.open(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "The consent page says what is collected; the visitor taps the button.")
	fmt.Fprintln(out, "授权说明页写明收集哪些信息；访客点按钮。")
	link, ok := page.find("a", "href", "/_wechat/login")
	if !ok {
		return errors.New("the consent page has no button")
	}
	if page, err = w.open(ctx, http.MethodGet, link, nil); err != nil {
		return err
	}
	fmt.Fprintln(out, "WeChat asks for nickname and avatar; the visitor allows it.")
	fmt.Fprintln(out, "微信请访客授权昵称和头像；访客允许。")
	action, form, ok := page.form("allow")
	if !ok {
		return errors.New("WeChat's page has no button to allow")
	}
	if page, err = w.open(ctx, http.MethodPost, action, form); err != nil {
		return err
	}
	if page.address != target {
		return fmt.Errorf("the visitor ended at %s, not at %s", redact(page.address), target)
	}
	return w.report(s)
}

// report prints and checks what the shop received.
func (w *walker) report(s *shop) error {
	received := s.seen()
	fmt.Fprintln(w.out, "\nThe shop received (商店收到):")
	for _, line := range identityHeaders(received) {
		fmt.Fprintf(w.out, "  %s: %s\n", line.Name, line.Value)
	}
	for _, name := range []string{"X-Wechat-User", "X-Wechat-Openid", "X-Wechat-Unionid", "X-Wechat-Nickname"} {
		if values := received[name]; len(values) != 1 || values[0] == "" || values[0] == "evil" {
			return fmt.Errorf("the identity did not arrive: %s must have one value of the gateway's, and has %s", name, count(int64(len(values)), "value", "values"))
		}
	}
	if strings.Contains(strings.Join(received["Cookie"], ";"), "wechat") {
		return errors.New("the session cookie reached the shop")
	}
	fmt.Fprintln(w.out, "\nThe identity arrived, and only the gateway's. All is well.")
	fmt.Fprintln(w.out, "身份已经送到，而且只有网关给的。一切正常。")
	return nil
}

// document is a page that was opened.
type document struct {
	address string
	root    *html.Node
}

// open follows redirects by hand, printing each hop.
func (w *walker) open(ctx context.Context, method, address string, form url.Values) (document, error) {
	for range 15 {
		request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
		if err != nil {
			return document{}, err
		}
		request.Header.Set("User-Agent", phoneUserAgent)
		request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		request.Header.Set("Accept-Language", "zh-CN")
		request.Header.Set("X-Wechat-Openid", "evil")
		request.Header.Set("X_wechat_unionid", "evil")
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		response, err := w.client.Do(request)
		if err != nil {
			return document{}, err
		}
		w.hops++
		fmt.Fprintf(w.out, "%3d  %-4s %s\n       %s\n", w.hops, method, redact(address), response.Status)
		location, err := response.Location()
		if err != nil {
			return read(response, address)
		}
		_ = response.Body.Close()
		location.Fragment = ""
		method, address, form = http.MethodGet, location.String(), nil
	}
	return document{}, errors.New("redirected for ever")
}

func read(response *http.Response, address string) (document, error) {
	defer response.Body.Close()
	root, err := html.Parse(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return document{}, err
	}
	if response.StatusCode != http.StatusOK {
		return document{}, fmt.Errorf("%s answered %s", redact(address), response.Status)
	}
	return document{address, root}, nil
}

// find returns the absolute address in the first attribute of this name that
// contains part.
func (d document) find(tag, attribute, part string) (string, bool) {
	for node := range d.root.Descendants() {
		if node.Type == html.ElementNode && node.Data == tag && strings.Contains(attr(node, attribute), part) {
			return d.absolute(attr(node, attribute)), true
		}
	}
	return "", false
}

// form returns the address and the fields of the form that has this word in a
// button or in its action.
func (d document) form(word string) (string, url.Values, bool) {
	for node := range d.root.Descendants() {
		if node.Type != html.ElementNode || node.Data != "form" {
			continue
		}
		fields, found := url.Values{}, strings.Contains(attr(node, "action"), word)
		for child := range node.Descendants() {
			if child.Type != html.ElementNode || child.Data != "input" && child.Data != "button" {
				continue
			}
			name, value := attr(child, "name"), attr(child, "value")
			isButton := child.Data == "button" || attr(child, "type") == "submit"
			if isButton && value != word {
				continue // another button of the form
			}
			found = found || isButton
			if name != "" {
				fields.Set(name, value)
			}
		}
		if found {
			return d.absolute(attr(node, "action")), fields, true
		}
	}
	return "", nil, false
}

func (d document) absolute(reference string) string {
	base, err := url.Parse(d.address)
	if err != nil {
		return reference
	}
	absolute, err := base.Parse(reference)
	if err != nil {
		return reference
	}
	return absolute.String()
}

func attr(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

var oneTime = regexp.MustCompile(`((?:code|state|redirect_uri)=|/_wechat/callback/)[^&?#]+`)

// redact hides the values of one-time parameters, which are long and should not
// be copied around.
func redact(address string) string { return oneTime.ReplaceAllString(address, "${1}…") }
