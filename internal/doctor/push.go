package doctor

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/advice"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// pushes plays WeChat's server: it checks the push address of each account as
// WeChat's console does, and sends an encrypted push that asks for nothing.
func (v *visit) pushes(ctx context.Context) {
	for _, account := range limited(v.Accounts) {
		if !account.Push {
			continue
		}
		for _, origin := range v.origins() {
			if v.answers[origin] {
				v.push(ctx, account, origin+endpoints+"push/"+url.PathEscape(account.Name))
				break // WeChat's console takes one address
			}
		}
	}
}

func (v *visit) push(ctx context.Context, account Account, address string) {
	timestamp, nonce, echo := stamp()
	query := url.Values{
		"signature": {wechat.PushSignature(account.Token, timestamp, nonce)}, "timestamp": {timestamp}, "nonce": {nonce}, "echostr": {echo},
	}
	said, err := ask(ctx, v.web, http.MethodGet, address+"?"+query.Encode(), "", "User-Agent", "Mozilla/4.0")
	switch {
	case err != nil:
		v.find("push", account.Name, Failure, "push-url", text("%s 连不上：%v", "%s cannot be reached: %v", address, err))
		return
	case said.status == http.StatusForbidden:
		v.find("push", account.Name, Failure, "push-token", text("%s 不接受用 push_token 签名的校验", "%s refuses a check that push_token signs", address))
		return
	case said.status != http.StatusOK || said.body != echo:
		v.find("push", account.Name, Failure, "push-url", text("%s 回答 %d，而不是 echostr", "%s answers %d, and not with echostr", address, said.status))
		return
	}
	v.pass("push", account.Name, text("%s 通过微信后台的校验", "%s passes the check of WeChat's console", address))
	if !account.AESKey.IsZero() {
		v.sealedPush(ctx, account, address)
	}
}

// sealedPush sends an event about the account that names no visitor: the
// gateway accepts it and has nothing to do.
func (v *visit) sealedPush(ctx context.Context, account Account, address string) {
	if account.RelayAll {
		v.find("push_aes_key", account.Name, Unknown, "push-unknown", text("没有发送加密的试验消息", "no encrypted trial message was sent"))
		return
	}
	timestamp, nonce, _ := stamp()
	sealed, err := sealPush(account.AESKey, account.Credentials.AppID, emptyEvent(account, timestamp))
	if err != nil {
		v.find("push_aes_key", account.Name, Failure, "push-aes-key", text("push_aes_key 不能加密", "push_aes_key cannot encrypt"))
		return
	}
	query := url.Values{
		"signature": {wechat.PushSignature(account.Token, timestamp, nonce)}, "timestamp": {timestamp}, "nonce": {nonce},
		"encrypt_type": {"aes"}, "msg_signature": {wechat.PushSignature(account.Token, timestamp, nonce, sealed)},
	}
	body := "<xml><ToUserName><![CDATA[gh_doctor]]></ToUserName><Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>"
	said, err := ask(ctx, v.web, http.MethodPost, address+"?"+query.Encode(), body, "User-Agent", "Mozilla/4.0", "Content-Type", "text/xml")
	if err == nil && said.status == http.StatusOK && strings.TrimSpace(said.body) == "success" {
		v.pass("push_aes_key", account.Name, text("网关能解密消息", "the gateway opens encrypted pushes"))
		return
	}
	says := text("网关不接受用 push_aes_key 加密的消息（%d）", "the gateway refuses a push that push_aes_key encrypts (%d)", said.status)
	if err != nil {
		says = advice.Text{Chinese: "加密的消息没有回答", English: "an encrypted push is not answered"}
	}
	v.find("push_aes_key", account.Name, Failure, "push-aes-key", says)
}

// stamp returns what the query of a push needs.
func stamp() (timestamp, nonce, echo string) {
	return strconv.FormatInt(time.Now().Unix(), 10), rand.Text()[:10], rand.Text()
}

// emptyEvent is WeChat's message that a visitor's profile has changed, without
// the visitor.
func emptyEvent(account Account, timestamp string) string {
	return "<xml><ToUserName><![CDATA[gh_doctor]]></ToUserName><FromUserName><![CDATA[doctor]]></FromUserName><CreateTime>" + timestamp +
		"</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[user_info_modified]]></Event><AppID><![CDATA[" +
		account.Credentials.AppID + "]]></AppID></xml>"
}
