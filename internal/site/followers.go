package site

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
)

// codeTimeout bounds how long a page waits for a QR code of WeChat's.
const codeTimeout = 2 * time.Second

// refusal returns why the visitor of a session may not enter. It may ask WeChat
// whether the visitor follows.
func (site *Site) refusal(r *Request, id *Identity) (Refusal, error) {
	if id.refused != NotFollowing || site.Hub.Followers == nil {
		return id.refused, nil
	}
	follows, err := site.Hub.Followers.Follows(r.Context(), follow.Question{
		Account: site.Account, Person: id.Person, Network: r.Network(), Again: r.HasFollowed, Log: site.Log(),
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("site: does the visitor follow the account: %w", err)
	case follows:
		return "", nil
	}
	return NotFollowing, nil
}

// refusalNow is refusal from memory, for the visitor of a running request, who
// was let in. It does not wait for WeChat: an old answer is renewed in the
// background.
func (site *Site) refusalNow(id *Identity) Refusal {
	if id.refused != NotFollowing || site.Hub.Followers == nil || site.Hub.Followers.Left(site.Account.Credentials.AppID, &id.Person) {
		return id.refused
	}
	site.Hub.Followers.Recheck(follow.Question{Account: site.Account, Person: id.Person, Log: site.Log()})
	return ""
}

// AskToFollow answers 403 to a visitor who does not follow the site's official
// account: a page with the account's QR code, and a button that goes on to
// target, or JSON.
func (site *Site) AskToFollow(w http.ResponseWriter, r *Request, target string, cause page.Cause) {
	if !request.WantsPage(r.Request) || r.Token.Sent {
		NotAllowedJSON(w, r)
		return
	}
	site.WritePage(w, r, page.Page{
		Kind: page.Follow, Reference: r.Flow, Cause: cause, Code: site.followCode(r), ConfirmURL: FollowPath, ReturnTo: target,
	})
}

// FollowPath is where the page that asks to follow sends its form.
const FollowPath = request.Prefix + "follow"

// followCode returns the QR code of the site's official account, none if WeChat
// does not give one: the page says what to do then.
func (site *Site) followCode(r *Request) page.Code {
	if site.Hub.FollowCode == nil {
		return page.Code{}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), codeTimeout)
	defer cancel()
	code, err := site.Hub.FollowCode(ctx, site.Account.Credentials.AppID)
	if err != nil {
		site.Log().Note(slog.LevelWarn, "no QR code on the page that asks to follow", site.Account.Name, "", err)
		return page.Code{}
	}
	site.Log().Answered(site.Account.Name, nil, "qrcode")
	return code
}
