package doctor

import "context"

// followers asks WeChat whether it tells who follows an account, for sites with
// allow followers.
func (v *visit) followers(ctx context.Context, account Account) {
	if !account.Followers {
		return
	}
	if err := v.WeChat.CheckFollowers(ctx, account.Account); err != nil {
		status, fix, says := refusal(err)
		v.find("followers", account.Name, status, fix, says)
	} else {
		v.pass("followers", account.Name, text("微信会说谁关注了公众号", "WeChat tells who follows the account"))
	}
	if !account.Push {
		v.find("followers", account.Name, Warning, "followers-push",
			text("有 allow followers，但没有 push_token", "there is allow followers, and no push_token"))
	}
}
