// Command wechat-gateway is Caddy with the WeChat gateway and its commands
// (`wechat-gateway wechat`) built in.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	gateway "github.com/caddy-wechat/gateway"
)

func main() {
	if asksVersion(os.Args) {
		info, ok := debug.ReadBuildInfo()
		if !ok {
			info = new(debug.BuildInfo)
		}
		_, full := caddy.Version()
		fmt.Print(describe(gateway.Version(), full, info))
		return
	}
	useZone(os.Getenv("TZ"))
	if caddy.CustomBinaryName == "" { // a build may set it with -ldflags
		caddy.CustomBinaryName = binaryName(os.Args)
	}
	caddycmd.Main()
}

// shellName is a name that a completion script can have in names of functions.
var shellName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// binaryName returns the name under which the binary was started. Help and shell
// completion are about this name; Caddy would call itself caddy.
func binaryName(args []string) string {
	if len(args) > 0 {
		name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
		if shellName.MatchString(name) {
			return name
		}
	}
	return "wechat-gateway"
}
