package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The User-Agents with which sites and WeChat's pages are asked: that of
// WeChat's browser, and that of a desktop.
const (
	phoneAgent   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003226) NetType/WIFI Language/zh_CN"
	desktopAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)

// browser returns a client that follows no redirect, so that each answer is
// seen, and that waits no longer than onePatience.
func (s *Setup) browser(proxy func(*http.Request) (*url.URL, error)) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  proxy,
			TLSClientConfig:        &tls.Config{RootCAs: s.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    onePatience,
			MaxResponseHeaderBytes: 64 << 10,
			IdleConnTimeout:        10 * time.Second,
			DisableCompression:     true, // (attack: decompression bomb)
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       onePatience,
	}
}

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   string // at most maxAnswer bytes
}

// ask sends a request. headers are name, value, name, value, …
func ask(ctx context.Context, client *http.Client, method, address, body string, headers ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, onePatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return answer{}, errors.New("the address is not valid")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, shorten(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, shorten(err)
	}
	return answer{response.StatusCode, response.Header, string(read)}, nil
}

// shorten returns an error without the address that was asked: it may contain a
// signature.
func shorten(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return errors.New("the certificate is signed by an unknown authority")
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	}
	return err
}

// navigate asks for a page, as a browser does when a visitor opens it.
func navigate(ctx context.Context, client *http.Client, address, agent string) (answer, error) {
	return ask(
		ctx, client, http.MethodGet, address, "",
		"User-Agent", agent, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language", "zh-CN",
		"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document",
	)
}
