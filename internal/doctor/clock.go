package doctor

import (
	"context"
	"net/http"
	"time"
)

// How far the clock may be away from WeChat's. Message pushes are refused at
// ten minutes, sessions of another gateway at five.
const (
	clockWarns = 30 * time.Second
	clockFails = 2 * time.Minute
)

// clock compares this machine's clock with the Date of WeChat's answers.
func (v *visit) clock(ctx context.Context) {
	if v.Problem != nil || v.WeChat == nil {
		return
	}
	began := time.Now()
	said, err := ask(ctx, v.wechat, http.MethodGet, v.WeChat.APIAddress()+"/", "")
	if err != nil {
		v.find("clock", "", Unknown, "wechat-unreachable", text("微信没有回答：%v", "WeChat does not answer: %v", err))
		return
	}
	date, err := http.ParseTime(said.header.Get("Date"))
	if err != nil {
		v.find("clock", "", Unknown, "wechat-answer", text("回答里没有时间", "the answer has no Date"))
		return
	}
	// Date is cut to a second, and was set at some time between question and
	// answer.
	now := time.Now()
	off := now.Sub(date.Add(500*time.Millisecond + now.Sub(began)/2))
	says := text("时钟比微信快 %s", "the clock is %s ahead of WeChat's", off.Round(time.Second))
	if off < 0 {
		off = -off
		says = text("时钟比微信慢 %s", "the clock is %s behind WeChat's", off.Round(time.Second))
	}
	switch {
	case off > clockFails:
		v.find("clock", "", Failure, "clock", says)
	case off > clockWarns:
		v.find("clock", "", Warning, "clock", says)
	default:
		v.pass("clock", "", text("时钟与微信一致", "the clock agrees with WeChat's"))
	}
}
