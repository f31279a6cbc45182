package signin

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/caddy-wechat/gateway/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func shopSession() *session.Session {
	return session.New(session.Binding{Site: "https://shop.example.com", AppID: "wx0123456789abcdef"}, "person1", "oOpenID1", session.ScopeBase)
}
