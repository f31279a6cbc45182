package flow

import (
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A restarted sign-in keeps its name on its way through WeChat; a flow of an
// earlier version, which has no First, is named by its own id.
func TestName(t *testing.T) {
	t.Parallel()
	ring, err := session.NewRing("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	s := Sealer{Keys: ring, Bound: "https://shop.example.com|wx1"}
	for name, row := range map[string]struct{ first, want string }{
		"new":       {"", "own id"},
		"restarted": {"ABCDEFGH", "ABCDEFGH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := New("/", wechat.ScopeBase, 0, false, "secret")
			f.First = row.first
			path, err := s.Path(f)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			want := row.want
			if want == "own id" {
				want = f.ID[:8]
			}
			if got.Name() != want {
				t.Errorf("the name is %q, want %q", got.Name(), want)
			}
		})
	}
	if got := (Flow{}).Name(); got != "" {
		t.Errorf("a flow without an id is named %q", got)
	}
}
