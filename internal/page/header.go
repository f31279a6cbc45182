package page

import (
	"net/http"
	"strconv"
)

// setCommon sets the headers that all pages have in common.
func setCommon(h http.Header, lang language) {
	for _, name := range []string{"Content-Encoding", "Etag", "Last-Modified", "Location", "Refresh", "Retry-After"} {
		h.Del(name) // set by an earlier handler for another answer
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(lang))
	h.Add("Vary", "Accept-Language")
	h.Set("Cache-Control", "no-store")         // WebViews show cached pages on Back
	h.Set("X-Content-Type-Options", "nosniff") // never anything but a page
	h.Set("X-Robots-Tag", "noindex")           // search engines must not list the sign-in instead of the shop
}

// setHeader sets the headers of every page of the theme.
func (v view) setHeader(h http.Header) {
	setCommon(h, v.Lang)
	h.Set("Content-Security-Policy", v.policy()) // second defence against XSS, after html/template
	h.Set("X-Frame-Options", v.framing())        // attack: clickjacking of the consent button in old WebViews
	h.Set("Referrer-Policy", v.referrer())       // the page's address may contain a code
	if v.retry > 0 {
		seconds := strconv.Itoa(v.retry)
		h.Set("Retry-After", seconds)
		if v.Reloads && v.ContinueURL != "" {
			// Name the address: a page whose address ends in a fragment, such
			// as the #wechat_redirect that browsers keep, would only scroll
			// (WHATWG HTML, navigate to a fragment).
			h.Set("Refresh", seconds+"; url="+v.ContinueURL)
		} else if v.Reloads {
			h.Set("Refresh", seconds)
		}
	}
}

// referrer returns the Referrer-Policy. The page with a form has an address of
// the shop, without a code. With no-referrer its post would send "Origin:
// null", and WebViews without Sec-Fetch-Site could not prove that the post
// comes from the same site.
func (v view) referrer() string {
	if v.hasForm() {
		return "same-origin"
	}
	return "no-referrer"
}

// framing returns the X-Frame-Options. Only Framed may be framed, by a page of
// the same site: its button only continues what the visitor has begun.
func (v view) framing() string {
	if v.Kind == Framed {
		return "SAMEORIGIN"
	}
	return "DENY"
}

// policy returns the Content-Security-Policy: one stylesheet and inline
// pictures, nothing else. A page with a form may post to this origin; Chromium
// applies form-action to the redirects after a post, too. The page that waits
// for a phone has a script, allowed by its hash, which may connect to this
// origin. Pages that keep a form have another one, which connects only where
// the form is sent: it asks whether the visitor is still the same. The script
// that copies an address connects to nothing.
func (v view) policy() string {
	form, frames, script := "'none'", "'none'", ""
	if v.hasForm() {
		form = "'self'"
	}
	if v.Kind == Framed {
		frames = "'self'"
	}
	if v.Kind == Resend && v.data != "" {
		// The app may redirect to another site after the post, such as one for
		// payments. The script sends to this origin only.
		form = "http: https:"
	}
	if v.copies {
		script = "script-src '" + addressScript().hash + "'; "
	}
	if v.data != "" {
		script = "script-src '" + keepScript().hash + "'; "
	}
	if v.Waits {
		script += "connect-src 'self'; "
	}
	if v.WaitURL != "" {
		script = "script-src '" + waitScript().hash + "'; connect-src 'self'; "
	}
	return "default-src 'none'; " + script + "style-src '" + v.theme.styleHash + "'; img-src data:; form-action " + form +
		"; frame-ancestors " + frames + "; base-uri 'none'"
}
