package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/caddymodule"
	"github.com/caddy-wechat/gateway/internal/doctor"
)

// ensures that the doctor says what is wrong, where, and in whose language, so
// that it leads out of a configuration that cannot be loaded.
func TestDoctorWithoutServer(t *testing.T) { // serial: it sets variables, and Caddy provisions one configuration at a time
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("LC_ALL", "")
	t.Setenv("LC_MESSAGES", "")
	t.Setenv("LANG", "zh_CN.UTF-8")
	t.Setenv("SECRET", "0123456789abcdef0123456789abcdef")
	const account = "{\n\twechat {\n\t\tofficial_account {\n\t\t\tapp_id wx1234567890abcdef\n\t\t\tapp_secret {env.SECRET}\n\t\t}\n\t\topen_url http://127.0.0.1:1\n\t\tapi_url http://127.0.0.1:1\n"
	for name, c := range map[string]struct {
		config string
		args   []string
		want   []string
		err    string
	}{
		"an option that is not there": {
			account + "\t\tscop x\n\t}\n}\n", nil,
			[]string{"[失败] configuration: 无法加载：", "unrecognized wechat option 'scop'", "[通过] versions: 网关 "},
			"至少有一项检查失败",
		},
		"in English": {
			account + "\t\tscop x\n\t}\n}\n",
			[]string{"--language", "en"},
			[]string{"[failure] configuration: it cannot be loaded: ", "[pass] versions: gateway "},
			"at least one check has failed",
		},
		"the secret of a webhook without a name": {
			account + "\t\twebhook https://crm.example.com/wechat {\n\t\t\tsecret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n\t\t}\n\t}\n}\n", nil,
			[]string{"[警告] inline-secret webhook crm-example-com: secret: 它的值直接写在配置里\n"},
			"至少有一项检查失败",
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			cmd := doctorCommand(func(config []byte) (*doctor.Setup, func(), error) {
				setup, release, err := caddymodule.Examine(config)
				if err == nil {
					setup.Caddy = "v2.11.9" // a test's program does not know it
				}
				return setup, release, err
			})
			cmd.SetOut(&out)
			cmd.SetArgs(append([]string{"--config", file}, c.args...))
			cmd.SilenceUsage = true
			err := cmd.ExecuteContext(t.Context())
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it prints\n%s\nwithout %q", &out, want)
				}
			}
			if err == nil || err.Error() != c.err {
				t.Errorf("the error is %v, want %s", err, c.err)
			}
		})
	}
}
