package clients

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// JSSDK signs a page of this site so that it may use WeChat's JS-SDK; the
// answer is for wx.config. It signs no page of another site, because a
// signature lends that page the account's name.
func (e Endpoints) JSSDK(w http.ResponseWriter, r *site.Request) {
	switch {
	case e.Hub.JSSDK == nil:
		response.WriteError(w, http.StatusNotFound, "not_found", "There is no such endpoint.")
		return
	case r.Method != http.MethodGet:
		response.MethodNotAllowed(w, http.MethodGet)
		return
	}
	if request.CutAtAmpersand(r.Original.RawQuery, "url") {
		response.WriteError(w, http.StatusBadRequest, "bad_url", "url ends at its first &: percent-encode it, as encodeURIComponent(location.href.split('#')[0]) does.")
		return
	}
	pages := request.Parameter(r.Original.RawQuery, "url")
	if len(pages) != 1 || !e.isOwnPage(r, pages[0]) {
		response.WriteError(w, http.StatusBadRequest, "bad_url", "url must be the address of a page of this site, percent-encoded: encodeURIComponent(location.href.split('#')[0]).")
		return
	}
	signed, err := e.Hub.JSSDK(r.Context(), e.Account.Credentials.AppID, pages[0])
	e.Log().Answered(e.Account.Name, err, "ticket", "token")
	switch {
	case errors.Is(err, wechat.ErrPage):
		response.WriteError(w, http.StatusBadRequest, "bad_url", "url must be the address of a page of this site, as the browser has it.")
	case err != nil:
		e.writeFailure(w, r, e.Account, err)
	default:
		response.WriteJSON(w, http.StatusOK, jssdkJSON{
			Code: http.StatusOK, AppID: signed.AppID, Timestamp: signed.Timestamp, NonceStr: signed.NonceStr, Signature: signed.Signature,
		})
	}
}

// jssdkJSON uses wx.config's own names.
type jssdkJSON struct {
	Code      int    `json:"code"`
	AppID     string `json:"appId"`
	Timestamp int64  `json:"timestamp"`
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`
}

// isOwnPage reports whether an address is on this site: the origin must be
// followed by a path, a query or a fragment (attacks: shop.example.com@evil,
// shop.example.com.evil). It repairs nothing, because the page's exact address
// is signed. Browsers turn a \ in a path into /, but keep it in a query.
func (e Endpoints) isOwnPage(r *site.Request, address string) bool {
	rest, ok := strings.CutPrefix(address, r.Origin)
	if !ok || request.HasControl(rest) {
		return false
	}
	path := rest
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		path = rest[:i]
	}
	return (rest == "" || strings.ContainsRune("/?#", rune(rest[0]))) && !strings.Contains(path, `\`)
}
