package gate

import (
	"log/slog"
	"regexp"
	"strings"

	"github.com/caddy-wechat/gateway/internal/site"
)

// verifyFile is the path of a file by which WeChat checks that the operator
// owns a domain. Its content is the middle part of its name.
var verifyFile = regexp.MustCompile(`^/((?:MP|WW)_verify_([A-Za-z0-9]{1,64})\.txt)$`)

// warnOfVerifyFile logs what to configure when such a file is requested and not
// configured. Requests for configured files never reach the gate. WeChat's
// console says only that it did not find the file.
func (g *Gate) warnOfVerifyFile(r *site.Request) {
	if r.Access != site.Protected || !strings.Contains(r.Original.Path, "_verify_") {
		return // the app may serve the file
	}
	m := verifyFile.FindStringSubmatch(r.Original.Path)
	if m == nil {
		return
	}
	g.verifies.Warn(g.Logger, site.MistakeRate, "WeChat's verification file is not configured: write `verify_file "+m[1]+" "+m[2]+"` into the block of the account that the domain is for",
		slog.String("site", r.Origin))
}
