package site

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
	Session      *session.Session
	SessionValue cookies.Cookie
	Place        cookies.Site // by which the cookie is named
}

// Redeem completes a logout of before, if the request has a receipt. What is not
// ours, or too old, is none.
func (site *Site) Redeem(w http.ResponseWriter, r *Request) error {
	found := site.receiptOf(w, r)
	if found == nil {
		return nil
	}
	return site.complete(w, r, found)
}

// RedeemAside is redeem for a request to the app. Its visitor waits once at most for
// a store that hangs: then the end is kept, and done in the background.
func (site *Site) RedeemAside(w http.ResponseWriter, r *Request) {
	found := site.receiptOf(w, r)
	if found == nil || site.Hub.Unfinished.Holds(found.Session.LineID()) || site.Hub.Unfinished.Full() {
		return
	}
	if err := site.complete(w, r, found); err != nil {
		site.LogFailed(slog.LevelError, NotComplete, flow.Flow{}, err)
	}
}

// NotComplete is the log's text for a sign-out of before that still fails.
const NotComplete = "a logout is still not complete"

func (site *Site) complete(w http.ResponseWriter, r *Request, found *foundReceipt) error {
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	s := found.Session
	kept, err := site.Hub.Unfinished.Retry(ctx, "", s.LineID())
	if !kept && !site.Hub.Unfinished.Did(s.ID) {
		err = site.newEnding(r, s, found.Reason, time.Unix(found.At, 0)).FinishOrKeep(ctx, "")
	}
	if err == nil {
		found.SessionValue.Clear(w, found.Place)
	}
	return err
}

// receiptOf returns the receipt of a request, nil for none. All cookies of the name
// are looked at (attack: one planted in front of the true one keeps a logout from
// being completed); if none is a receipt, they go.
func (site *Site) receiptOf(w http.ResponseWriter, r *Request) *foundReceipt {
	former := r.Place.Former()
	for _, place := range []foundReceipt{
		{SessionValue: cookies.Receipt, Place: r.Place},
		{SessionValue: cookies.FormerReceipt, Place: r.Place},
		{SessionValue: cookies.FormerReceipt, Place: former}, // of before the port was a part of the name
	} {
		values := place.SessionValue.Values(r.Request, place.Place)
		for _, value := range values {
			if s, left, ok := site.readReceipt(r, value); ok {
				place.receipt, place.Session = left, s
				return &place
			}
		}
		if len(values) > 0 && place.Place == r.Place { // without the port it is a neighbour's
			place.SessionValue.Clear(w, place.Place)
		}
	}
	return nil
}

func (site *Site) readReceipt(r *Request, sealed string) (*session.Session, receipt, bool) {
	if sealed == "" {
		return nil, receipt{}, false
	}
	plain, err := site.Hub.Keys.Open(purposeReceipt, site.Sealer(r).Bound, sealed)
	if err != nil {
		return nil, receipt{}, false
	}
	var left receipt
	s := &session.Session{Site: r.Origin}
	if json.Unmarshal(plain, &left) != nil || s.UnmarshalBinary(left.Session) != nil {
		return nil, receipt{}, false
	}
	s.AppID = cmp.Or(left.AppID, site.Account.Credentials.AppID)
	age := time.Since(time.Unix(left.At, 0))
	return s, left, age < cookies.ReceiptLife && age > -session.MaxSkew
}
