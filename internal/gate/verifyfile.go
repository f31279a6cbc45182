package gate

import (
	"log/slog"
	"regexp"
	"strings"

	"github.com/caddy-wechat/gateway/internal/site"
)

// verifyFile is the path of a file by which WeChat checks that a domain is the
// operator's. Its content is the middle of its name.
var verifyFile = regexp.MustCompile(`^/((?:MP|WW)_verify_([A-Za-z0-9]{1,64})\.txt)$`)

// warnOfVerifyFile says what to write where somebody asks for such a file, and it is
// not configured: those that are never come to the gate. WeChat's console says only
// that it did not find the file.
func (g *Gate) warnOfVerifyFile(r *site.Request) {
	if r.Access != site.Protected || !strings.Contains(r.Original.Path, "_verify_") {
		return // the app may have it
	}
	m := verifyFile.FindStringSubmatch(r.Original.Path)
	if m == nil || !g.verifies.Take(site.MistakeRate) {
		return
	}
	g.Logger.Warn("WeChat's verification file is not configured: write `verify_file "+m[1]+" "+m[2]+"` into the block of the account that the domain is for",
		slog.String("site", r.Origin))
}
