package doctor

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/advice"
)

// Limits of an examination.
const (
	allPatience = 3 * time.Minute // for everything
	onePatience = 6 * time.Second // for one question
	maxAnswer   = 256 << 10       // bytes that are read of an answer
	maxSubjects = 200             // sites, accounts: the rest is not examined
)

// checks are all checks, in the order of the report.
var checks = []func(*visit, context.Context){
	(*visit).configuration,
	(*visit).versions,
	(*visit).server,
	(*visit).accounts,
	(*visit).clock,
	(*visit).guards,
	(*visit).sites,
	(*visit).verifyFiles,
	(*visit).callbacks,
	(*visit).pushes,
	(*visit).proxies,
	(*visit).redis,
	(*visit).folders,
	(*visit).memory,
}

// visit is one examination.
type visit struct {
	*Setup
	web     *http.Client // asks sites, as a visitor's browser
	wechat  *http.Client // asks WeChat's pages
	found   []Finding
	running *Running        // what the running server says; nil if it was not asked or did not answer
	answers map[string]bool // origins at which the gateway answers
}

// Examine runs all checks.
func (s *Setup) Examine(ctx context.Context) Report {
	ctx, cancel := context.WithTimeout(ctx, allPatience)
	defer cancel()
	v := &visit{Setup: s, web: s.browser(nil), wechat: s.browser(http.ProxyFromEnvironment), answers: make(map[string]bool)}
	defer v.web.CloseIdleConnections()
	defer v.wechat.CloseIdleConnections()
	if s.WeChat != nil {
		defer s.WeChat.CloseIdle()
	}
	for _, check := range checks {
		check(v, ctx)
	}
	r := Report{Findings: v.found}
	r.hide(s.Secrets)
	return r
}

// text formats one sentence in both languages with the same values.
func text(chinese, english string, values ...any) advice.Text {
	return advice.Text{Chinese: fmt.Sprintf(chinese, values...), English: fmt.Sprintf(english, values...)}
}

// pass adds that all is well.
func (v *visit) pass(check, subject string, says advice.Text) {
	v.found = append(v.found, Finding{Check: check, Subject: subject, Says: says})
}

// find adds something that is not well. fix is a row of internal/advice.
func (v *visit) find(check, subject string, status Status, fix string, says advice.Text) {
	v.found = append(v.found, Finding{check, subject, status, says, fix})
}

// limited returns the first elements of a list.
func limited[T any](list []T) []T { return list[:min(len(list), maxSubjects)] }
