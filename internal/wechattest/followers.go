package wechattest

import (
	"net/http"
	"net/url"
	"slices"
)

// maxFollowers is the maximum number of openids in one call (wechat-protocol
// E4.1).
const maxFollowers = 100

// follower is /cgi-bin/user/info: it returns the unionid of a follower, and
// nothing about other persons (wechat-protocol E4).
func (s *Server) follower(_ *http.Request, query url.Values) answer {
	account, errcode := s.global(AtFollower, query)
	switch {
	case errcode != 0:
		return failed(account.AppID, errcode)
	case account.Kind != OfficialAccount:
		return failed(account.AppID, 48001)
	}
	fields, errcode := s.subscription(account, query.Get("openid"))
	return answer{appID: account.AppID, errcode: errcode, fields: fields}
}

// followers is /cgi-bin/user/info/batchget: the same as follower for up to 100
// openids, in their order. A wrong openid fails the call.
func (s *Server) followers(r *http.Request, query url.Values) answer {
	account, errcode := s.global(AtFollowers, query)
	if errcode != 0 {
		return failed(account.AppID, errcode)
	}
	var v struct {
		List []struct {
			OpenID string `json:"openid"`
		} `json:"user_list"`
	}
	switch {
	case !readJSON(r, &v):
		return failed(account.AppID, 47001)
	case account.Kind != OfficialAccount:
		return failed(account.AppID, 48001)
	case len(v.List) == 0 || len(v.List) > maxFollowers:
		return failed(account.AppID, 40032)
	}
	list := make([][]field, 0, len(v.List))
	for _, one := range v.List {
		fields, errcode := s.subscription(account, one.OpenID)
		if errcode != 0 {
			return failed(account.AppID, errcode)
		}
		list = append(list, fields)
	}
	return answer{appID: account.AppID, fields: []field{{"user_info_list", list}}}
}

// subscription returns the fields about one openid. WeChat has not returned
// nickname and avatar since 2021-12-27.
func (s *Server) subscription(account Account, openID string) ([]field, int) {
	if openID == "" {
		return nil, 41009
	}
	person, ok := s.personOf(account.AppID, openID)
	switch {
	case !ok:
		return nil, 40003
	case !slices.Contains(person.Follows, account.AppID):
		return []field{{"subscribe", 0}, {"openid", openID}}, 0
	}
	fields := []field{
		{"subscribe", 1},
		{"openid", openID},
		{"language", "zh_CN"},
		{"subscribe_time", int(s.began.Unix())}, // no person followed before the simulator started
	}
	if union := s.UnionID(person.ID, account.AppID); union != "" {
		fields = append(fields, field{"unionid", union})
	}
	return append(fields, []field{
		{"remark", ""},
		{"groupid", 0},
		{"tagid_list", []string{}},
		{"subscribe_scene", "ADD_SCENE_QR_CODE"},
		{"qr_scene", 0},
		{"qr_scene_str", ""},
	}...), 0
}

// personOf returns the person with an openid at an account.
func (s *Server) personOf(appID, openID string) (Person, bool) {
	all := s.Persons()
	i := slices.IndexFunc(all, func(p Person) bool { return s.OpenID(p.ID, appID) == openID })
	if i < 0 {
		return Person{}, false
	}
	return all[i], true
}
