package page

import (
	"net/http"
	"strconv"
)

// setHeader sets the headers of every page.
func (v view) setHeader(h http.Header) {
	for _, name := range []string{"Content-Encoding", "Etag", "Last-Modified", "Location", "Refresh", "Retry-After"} {
		h.Del(name) // left by a handler that meant to answer something else
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(v.Lang))
	h.Add("Vary", "Accept-Language")
	h.Set("Cache-Control", "no-store")           // WebViews show kept pages on Back
	h.Set("Content-Security-Policy", v.policy()) // against XSS, behind html/template
	h.Set("X-Content-Type-Options", "nosniff")   // never anything but a page
	h.Set("X-Frame-Options", v.framing())        // clickjacking of the consent button in old WebViews
	h.Set("Referrer-Policy", v.referrer())       // our address may hold a code
	h.Set("X-Robots-Tag", "noindex")             // search engines would list the sign-in instead of the shop
	if v.retry > 0 {
		seconds := strconv.Itoa(v.retry)
		h.Set("Retry-After", seconds)
		if v.Reloads && v.ContinueURL != "" {
			// To an address of its own: a page whose address ends in a fragment, such as the #wechat_redirect that
			// browsers carry along, would only scroll (WHATWG HTML, navigate to a fragment).
			h.Set("Refresh", seconds+"; url="+v.ContinueURL)
		} else if v.Reloads {
			h.Set("Refresh", seconds)
		}
	}
}

// referrer returns the Referrer-Policy. The page with a form stands at an address of the shop, without a code; under
// no-referrer its post would say "Origin: null", and WebViews without Sec-Fetch-Site could not prove that it is ours.
func (v view) referrer() string {
	if v.hasForm() {
		return "same-origin"
	}
	return "no-referrer"
}

// framing returns the X-Frame-Options. Framed is there for a frame in a page of the same site, and its button does
// nothing that the visitor has not begun; a page of another site can frame nothing of ours.
func (v view) framing() string {
	if v.Kind == Framed {
		return "SAMEORIGIN"
	}
	return "DENY"
}

// policy returns the Content-Security-Policy: one stylesheet and inline pictures, nothing else. A form may post to
// this origin on the page that has one; Chromium holds the redirects after a post to form-action too. The page that
// waits for a phone has our script, by its hash, which may ask this origin.
func (v view) policy() string {
	form, frames, script := "'none'", "'none'", ""
	if v.hasForm() {
		form = "'self'"
	}
	if v.Kind == Framed {
		frames = "'self'"
	}
	if v.WaitURL != "" {
		script = "script-src '" + waitScript().hash + "'; connect-src 'self'; "
	}
	return "default-src 'none'; " + script + "style-src '" + v.theme.styleHash + "'; img-src data:; form-action " + form +
		"; frame-ancestors " + frames + "; base-uri 'none'"
}
