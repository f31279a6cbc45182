package gate

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/form"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
)

// unkept says why a form that needs a sign-in is not kept. The log has it as
// reason; docs/forms.md explains each. It never contains a part of the form.
type unkept string

const (
	optionOff     unkept = "preserve_post_off"
	checked       unkept = "checked_by_proxy" // the proxy that asks has the body
	framed        unkept = "in_a_frame"       // a frame cannot sign in
	crossSite     unkept = "cross_site"
	nullOrigin    unkept = "null_origin"
	noOrigin      unkept = "no_origin"
	otherOrigin   unkept = "other_origin"
	hiddenTLS     unkept = "tls_in_front" // its page may be an attacker's, on http
	compressed    unkept = "compressed"
	otherKind     unkept = "kind_of_body"
	outsideWeChat unkept = "outside_wechat"
	inSnapshot    unkept = "snapshot"
	notAdmitted   unkept = "not_allowed"
	storeFails    unkept = "store_unavailable"
	readByApp     unkept = "read_by_app"
	tooMany       unkept = "too_many_at_once"
	tooManyFields unkept = "too_many_fields"
	tooLarge      unkept = "too_large"
	broken        unkept = "broken"
	timedOut      unkept = "timed_out"
	cutOff        unkept = "cut_off"
	sealFails     unkept = "internal_error"
)

// isForm reports whether r is a form in a window of its own, as far as its
// header tells.
func isForm(r *site.Request) bool {
	return r.Method == http.MethodPost && !r.Token.Sent && request.WantsPage(r.Request)
}

// canKeep reports whether r is a form that can be kept.
func (g *Gate) canKeep(r *site.Request) bool { return isForm(r) && g.whyUnkept(r) == "" }

// whyUnkept returns why a form cannot be kept, whatever its body is; "" if it
// can be.
func (g *Gate) whyUnkept(r *site.Request) unkept {
	dest := r.Header.Get("Sec-Fetch-Dest")
	switch {
	case IsEndpoint(r.Original):
		return checked
	case !g.Rules.PreservePost.Keeps():
		return optionOff
	case dest != "" && dest != "document":
		return framed
	case !request.FromOrigin(r.Request, r.Origin):
		return whyForeign(r)
	case r.HasHiddenTLS():
		return hiddenTLS
	case r.Header.Get("Content-Encoding") != "":
		return compressed
	case !form.Readable(r.Header.Get("Content-Type")):
		return otherKind
	}
	return ""
}

// whyForeign returns why a form does not prove that a page of this site sent
// it.
func whyForeign(r *site.Request) unkept {
	sites, origins := r.Header["Sec-Fetch-Site"], r.Header["Origin"]
	switch {
	case slices.ContainsFunc(sites, func(from string) bool { return from != "same-origin" }):
		return crossSite
	case slices.Contains(origins, "null"):
		return nullOrigin
	case len(origins) == 0:
		return noOrigin
	default:
		return otherOrigin
	}
}

// whyUnread returns why the body of a form was not read, and the status that
// says so.
func whyUnread(w http.ResponseWriter, r *http.Request, err error) (reason unkept, status int) {
	switch {
	case errors.Is(err, form.ErrTooManyFields):
		return tooManyFields, http.StatusRequestEntityTooLarge
	case errors.Is(err, form.ErrTooLarge):
		return tooLarge, http.StatusRequestEntityTooLarge
	case errors.Is(err, form.ErrBroken):
		return broken, http.StatusBadRequest
	}
	status = response.BodyStatus(w, r, err)
	switch status {
	case http.StatusRequestEntityTooLarge:
		return tooLarge, status
	case http.StatusRequestTimeout:
		return timedOut, status
	default:
		return cutOff, status
	}
}

// logUnkept logs why r, if it is a form, is not kept. Without a reason, its
// header tells.
func (g *Gate) logUnkept(r *site.Request, reason unkept) {
	if !isForm(r) {
		return
	}
	reason = cmp.Or(reason, g.whyUnkept(r), outsideWeChat) // no other form that can be kept is refused
	g.Logger.Debug("a form was not kept", slog.String("site", r.Origin), slog.String("reason", string(reason)))
	if reason == otherOrigin {
		g.warnOfFormOrigin(r)
	}
}

// warnOfFormOrigin logs, once a minute, what to configure if forms come from
// the site's host with another scheme or port than the site's origin has: TLS
// ends in front, and no form is kept.
func (g *Gate) warnOfFormOrigin(r *site.Request) {
	origin, ok := request.CanonicalOrigin(strings.Join(r.Header["Origin"], ", "))
	if !ok || hostOf(origin) != hostOf(r.Origin) {
		return
	}
	fix := "if visitors have that in the address bar, write `origin " + origin + "` into its wechat_auth block"
	if strings.HasPrefix(origin, "http:") && strings.HasPrefix(r.Origin, "https:") {
		fix = "have the proxy in front redirect http to https"
	}
	g.formOrigins.Warn(g.Logger, site.MistakeRate, "a form came from a page of "+origin+", but the origin of the site is "+r.Origin+", so such forms are not kept: "+fix,
		slog.String("site", r.Origin))
}

// hostOf returns the host of an origin, without a port.
func hostOf(origin string) string {
	name, _, _ := request.CutPort(site.HostName(origin))
	return name
}
