package gate

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/session"
)

// foundReceipt is a receipt that a request brought.
type foundReceipt struct {
	receipt
	session *session.Session
	cookie  cookies.Cookie
	site    cookies.Site // by which the cookie is named
}

// redeem completes a logout of before, if the request has a receipt. What is not
// ours, or too old, is none.
func (g *Gate) redeem(w http.ResponseWriter, r *Request) error {
	found := g.receiptOf(w, r)
	if found == nil {
		return nil
	}
	return g.complete(w, r, found)
}

// redeemAside is redeem for a request to the app. Its visitor waits once at most for
// a store that hangs: then the end is kept, and done in the background.
func (g *Gate) redeemAside(w http.ResponseWriter, r *Request) {
	found := g.receiptOf(w, r)
	if found == nil || g.Hub.Unfinished.Holds(found.session.LineID()) || g.Hub.Unfinished.Full() {
		return
	}
	if err := g.complete(w, r, found); err != nil {
		g.logWeChat(slog.LevelError, notComplete, flow.Flow{}, err)
	}
}

const notComplete = "a logout is still not complete"

func (g *Gate) complete(w http.ResponseWriter, r *Request, found *foundReceipt) error {
	ctx, cancel := g.storeContext(r)
	defer cancel()
	s := found.session
	kept, err := g.Hub.Unfinished.Retry(ctx, "", s.LineID())
	if !kept && !g.Hub.Unfinished.Did(s.ID) {
		err = g.newEnding(r, s, found.Reason, time.Unix(found.At, 0)).FinishOrKeep(ctx, "")
	}
	if err == nil {
		found.cookie.Clear(w, found.site)
	}
	return err
}

// receiptOf returns the receipt of a request, nil for none. All cookies of the name
// are looked at (attack: one planted in front of the true one keeps a logout from
// being completed); if none is a receipt, they go.
func (g *Gate) receiptOf(w http.ResponseWriter, r *Request) *foundReceipt {
	former := r.site.Former()
	for _, place := range []foundReceipt{
		{cookie: cookies.Receipt, site: r.site},
		{cookie: cookies.FormerReceipt, site: r.site},
		{cookie: cookies.FormerReceipt, site: former}, // of before the port was a part of the name
	} {
		values := place.cookie.Values(r.Request, place.site)
		for _, value := range values {
			if s, left, ok := g.readReceipt(r, value); ok {
				place.receipt, place.session = left, s
				return &place
			}
		}
		if len(values) > 0 && place.site == r.site { // without the port it is a neighbour's
			place.cookie.Clear(w, place.site)
		}
	}
	return nil
}

func (g *Gate) readReceipt(r *Request, sealed string) (*session.Session, receipt, bool) {
	if sealed == "" {
		return nil, receipt{}, false
	}
	plain, err := g.Hub.Keys.Open(purposeReceipt, g.sealer(r).Bound, sealed)
	if err != nil {
		return nil, receipt{}, false
	}
	var left receipt
	s := &session.Session{Site: r.origin}
	if json.Unmarshal(plain, &left) != nil || s.UnmarshalBinary(left.Session) != nil {
		return nil, receipt{}, false
	}
	s.AppID = cmp.Or(left.AppID, g.Account.Credentials.AppID)
	age := time.Since(time.Unix(left.At, 0))
	return s, left, age < cookies.ReceiptLife && age > -session.MaxSkew
}
