package doctor

import (
	"context"
	"errors"

	"github.com/caddy-wechat/gateway/internal/advice"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// accounts asks WeChat whether it accepts app id and secret of each account,
// and the address of this machine.
func (v *visit) accounts(ctx context.Context) {
	if v.Problem != nil || v.WeChat == nil {
		return
	}
	for _, account := range limited(v.Accounts) {
		err := v.WeChat.CheckSecret(ctx, account.Account)
		if err == nil {
			v.pass("secret", account.Name, text("微信接受 AppID 和 AppSecret", "WeChat accepts app id and secret"))
			v.followers(ctx, account)
			continue
		}
		status, fix, says := refusal(err)
		v.find("secret", account.Name, status, fix, says)
	}
}

// refusal says what WeChat's error about an account means.
func refusal(err error) (Status, string, advice.Text) {
	var e *wechat.Error
	if !errors.As(err, &e) || !e.Answered() {
		status := 0
		if e != nil {
			status = e.HTTPStatus
		}
		if status != 0 {
			return Unknown, "wechat-answer", text("得到的不是微信的回答：%v", "the answer is not WeChat's: %v", err)
		}
		return Unknown, "wechat-unreachable", text("微信没有回答：%v", "WeChat does not answer: %v", err)
	}
	row, _ := advice.OfCode(e.Code)
	status := Failure
	if errors.Is(err, wechat.ErrRetry) {
		status = Unknown // WeChat is busy: it has not looked at the account
	}
	if e.Address != "" {
		return status, row.ID, text("微信回答 %d：要加到 IP白名单 的地址是 %s", "WeChat answers %d: the address to add to the IP allowlist is %s", e.Code, e.Address)
	}
	return status, row.ID, text("微信回答 %d（%s）", "WeChat answers %d (%s)", e.Code, e.Message)
}
