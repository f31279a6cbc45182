package wechattest

import "slices"

// scene is how the authorize page continues.
type scene int

const (
	sceneSilent   scene = iota // calls back at once
	sceneAsk                   // the consent page
	sceneSnapshot              // calls back at once, with a virtual person
)

// sceneFacts are the facts that a scene depends on.
type sceneFacts struct {
	userInfo      bool // scope snsapi_userinfo
	follows       bool // enters from the account's chat or menu: a special silent scene
	recent        bool // has recently authorised the account: another silent scene
	forcePopup    bool
	forceSnapshot bool
	inSnapshot    bool // this person, or all persons
	left          bool // has tapped 使用完整服务
}

// decideScene says what WeChat shows (wechat-protocol A1.4, A5, A6). forcePopup
// has no effect for followers; forceSnapShot has none in any silent scene; a
// person whom the developer puts into a 快照页 always gets it.
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
