package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// askSite asks a site as a load balancer does.
func (e *examiner) askSite(ctx context.Context) (string, error) {
	target, err := url.Parse(e.url)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return "", fmt.Errorf("%q is no http or https address", e.url)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return "", err
	}
	transport := new(http.Transport) // without a proxy of the environment: it would answer for the gateway
	defer transport.CloseIdleConnections()
	if e.host != "" {
		request.Host = e.host
		transport.TLSClientConfig = &tls.Config{ServerName: e.host, MinVersion: tls.VersionTLS12}
	}
	// A redirect is no answer of the gateway: it leads to https, or elsewhere.
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("asking the site: %w", err)
	}
	defer response.Body.Close()
	if location := response.Header.Get("Location"); location != "" {
		return "", fmt.Errorf("status %d: the site redirects to %s; ask there", response.StatusCode, location)
	}
	// Caddy answers for a host that it has no site for with an empty 200.
	a, err := readHealth(response)
	switch {
	case err != nil:
		return "", err
	case a.Status == 0:
		return "", a.refused(response)
	case response.StatusCode != http.StatusOK && a.Parts != nil:
		return "", errors.New("not ready: " + a.parts())
	case response.StatusCode != http.StatusOK:
		return "", a.refused(response)
	case a.Parts == nil:
		return "alive", nil
	}
	return "ready: " + a.parts(), nil
}
