package wechattest

import "slices"

// scene is how the authorize page goes on.
type scene int

const (
	sceneSilent   scene = iota // straight back
	sceneAsk                   // the consent page
	sceneSnapshot              // straight back, with a virtual person
)

// sceneFacts are all that it depends on.
type sceneFacts struct {
	userInfo      bool // scope snsapi_userinfo
	follows       bool // enters from the account's chat or menu: a special silent scene
	recent        bool // has authorised the account: another one
	forcePopup    bool
	forceSnapshot bool
	inSnapshot    bool // this person, or everybody
	left          bool // has tapped 使用完整服务
}

// decideScene is the table of A5 and A6 of WeChat's web authorisation guide.
// forcePopup has no effect for followers; forceSnapShot has none in any silent
// scene; a person that the developer put into a 快照页 is in it whatever else.
func decideScene(f sceneFacts) scene {
	switch {
	case !f.userInfo:
		return sceneSilent
	case f.inSnapshot && !f.left:
		return sceneSnapshot
	case f.follows:
		return sceneSilent
	case f.recent && !f.forcePopup:
		return sceneSilent
	case f.forceSnapshot && !f.recent && !f.left:
		return sceneSnapshot
	default:
		return sceneAsk
	}
}

func (s *Server) scene(q authorizeQuery, p Person) scene {
	return decideScene(sceneFacts{
		userInfo:      q.scope == scopeUserInfo,
		follows:       slices.Contains(p.Follows, q.appID),
		recent:        s.Consented(p.ID, q.appID),
		forcePopup:    q.forcePopup,
		forceSnapshot: q.forceSnapshot,
		inSnapshot:    p.InSnapshot || s.quirks.copy().Snapshot,
		left:          s.hasLeft(p.ID),
	})
}
