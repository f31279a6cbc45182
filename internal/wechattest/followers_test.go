package wechattest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// batch asks about several openids.
func batch(t testing.TB, s *Server, token string, openIDs ...string) (list []apiReply, errcode int) {
	t.Helper()
	users := make([]string, 0, len(openIDs))
	for _, id := range openIDs {
		users = append(users, `{"openid":"`+id+`","lang":"zh_CN"}`)
	}
	r := send(s, http.MethodPost, "/cgi-bin/user/info/batchget?access_token="+token, `{"user_list":[`+strings.Join(users, ",")+`]}`, asJSON)
	var v struct {
		Errcode int        `json:"errcode"`
		List    []apiReply `json:"user_info_list"`
	}
	if err := json.Unmarshal([]byte(text(t, r)), &v); err != nil {
		t.Fatal(err)
	}
	return v.List, v.Errcode
}

// One call tells of many what user/info tells of one, in their order.
func TestFollowersAtOnce(t *testing.T) {
	t.Parallel()
	s := newPlatform(t)
	if err := s.SetFollow("alice", shop, true); err != nil {
		t.Fatal(err)
	}
	token := classic(t, s, shop, shopSecret).AccessToken
	alice, bob := s.OpenID("alice", shop), s.OpenID("bob", shop)
	list, errcode := batch(t, s, token, bob, alice)
	if errcode != 0 || len(list) != 2 {
		t.Fatalf("%d, %+v", errcode, list)
	}
	if v := list[0]; v.OpenID != bob || *v.Subscribe != 0 || v.UnionID != nil {
		t.Errorf("who does not follow: %+v", v)
	}
	if v := list[1]; v.OpenID != alice || *v.Subscribe != 1 || *v.UnionID != s.UnionID("alice", shop) {
		t.Errorf("who follows: %+v", v)
	}
	miniToken := stable(t, s, mini, miniSecret, false).AccessToken
	for _, c := range []struct {
		name, token string
		openIDs     []string
		want        int
	}{
		{"no token", "", []string{alice}, 41001},
		{"nobody", token, nil, 40032},
		{"a hundred", token, slices.Repeat([]string{alice}, 100), 0},
		{"too many", token, slices.Repeat([]string{alice}, 101), 40032},
		{"one without openid", token, []string{alice, ""}, 41009},
		{"one of another account", token, []string{alice, s.OpenID("bob", blog)}, 40003},
		{"a mini program", miniToken, []string{s.OpenID("alice", mini)}, 48001},
	} {
		t.Run(c.name, func(t *testing.T) {
			if list, errcode := batch(t, s, c.token, c.openIDs...); errcode != c.want || errcode != 0 && list != nil {
				t.Errorf("%d, %d openids", errcode, len(list))
			}
		})
	}
	if v := askAPI(t, s, "/cgi-bin/user/info/batchget?access_token="+token, "openid="+alice); v.Errcode != 47001 {
		t.Errorf("no JSON: %+v", v)
	}
}
