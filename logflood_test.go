package gateway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What holds the warnings of a place back. The first four are checked in the
// code; the others say why a flood of requests does not reach the place.
const (
	byLine   = "limit.Line"                                             // one line in a time; the next one counts those left out
	byOutage = "outage.Log"                                             // an outage has a line a minute; what concerns one visitor has limit.Lines
	byTake   = "Take"                                                   // the function asks a limiter of the room limit, or its own
	byOnce   = "sync.Once"                                              // one line in the life of a part
	atLoad   = "when a configuration is loaded: no request leads to it" // … or replaced, or the server ends
	byAdmin  = "a call of the admin endpoint: only operators reach it"
	byTimer  = "a timer: a fixed number of times in an hour, whatever visitors do"
)

// warnings lists each function that logs a warning or an error.
var warnings = map[string]string{
	"caddymodule/accountlists.go warnOfVerifyFile":      atLoad,
	"caddymodule/adminbackup.go backUpLedger":           byAdmin,
	"caddymodule/adminimport.go warnOfImport":           byAdmin,
	"caddymodule/adminledger.go exportLedger":           byAdmin,
	"caddymodule/adminpersons.go erase":                 byAdmin,
	"caddymodule/adminprune.go eraseInactive":           byAdmin,
	"caddymodule/adminrefusal.go adminHandler":          byAdmin,
	"caddymodule/appsecret.go warnOfSecret":             atLoad,
	"caddymodule/callback.go warnOfCallback":            atLoad,
	"caddymodule/callback.go warnOfSites":               atLoad,
	"caddymodule/deliver.go deliver":                    atLoad,
	"caddymodule/hosts.go warnOfHost":                   atLoad,
	"caddymodule/followers.go provisionFollowers":       atLoad,
	"caddymodule/inflight.go linger":                    atLoad,
	"caddymodule/ledgerwatch.go look":                   byTimer,
	"caddymodule/livelog.go zapLevel":                   "translates the levels of all lines and writes none of its own",
	"caddymodule/otheraccounts.go provisionAccounts":    atLoad,
	"caddymodule/pageparts.go warnOfPagesIn":            atLoad,
	"caddymodule/pushconfig.go secrets":                 atLoad,
	"caddymodule/pushes.go openPushes":                  atLoad,
	"caddymodule/redis.go Provision":                    atLoad,
	"caddymodule/serve.go ServeHTTP":                    byOutage,
	"caddymodule/session.go provisionSession":           atLoad,
	"caddymodule/site.go provisionRules":                atLoad,
	"caddymodule/site.go provisionScope":                atLoad,
	"caddymodule/site.go warnLoose":                     atLoad,
	"caddymodule/webhookconfig.go provision":            atLoad,
	"internal/clients/failure.go writeFailure":          byOutage,
	"internal/clients/ticketlink.go secondStep":         byOutage,
	"internal/eventqueue/queue.go Close":                atLoad,
	"internal/eventqueue/queue.go Emit":                 byTake,
	"internal/eventqueue/queue.go handle":               byTake,
	"internal/follow/question.go logFailure":            byOutage,
	"internal/follow/question.go record":                byOutage,
	"internal/gate/endpoints.go ServeEndpoint":          byOutage,
	"internal/gate/failure.go failed":                   byOutage,
	"internal/gate/failure.go misconfigured":            byOutage,
	"internal/gate/refuse.go explainCookies":            byLine,
	"internal/gate/refuse.go explainForeign":            byLine,
	"internal/gate/require.go warnOfAnswer":             byLine,
	"internal/gate/scanshow.go showsNoCode":             byLine,
	"internal/gate/scanstream.go scanTell":              byOutage,
	"internal/gate/sharedcallback.go callbackAddress":   byOnce,
	"internal/gate/unkept.go warnOfFormOrigin":          byLine,
	"internal/gate/verifyfile.go warnOfVerifyFile":      byLine,
	"internal/gate/website.go tellRefusal":              byOutage,
	"internal/gate/websocket.go refuseSocket":           byLine,
	"internal/ledger/change.go Report":                  "WeChat itself contradicts what it said earlier, in its answer to a real sign-in; no visitor chooses a unionid",
	"internal/ledger/endedpersons.go at":                byTake,
	"internal/ledger/endedpersons.go Imported":          byTake,
	"internal/ledger/redisledger/announced.go announce": byTake,
	"internal/ledger/redisledger/announced.go confirm":  byTake,
	"internal/ledger/redisledger/bans.go loadBans":      "bans are read from Redis at a fixed pace, and only after one has changed; all of one reading have one line",
	"internal/ledger/redisledger/channel.go Break":      "the connection of the ledger's channel broke; it is made again at a fixed pace",
	"internal/ledger/redisledger/disk.go checkDisk":     byOnce,
	"internal/ledger/redisledger/ends.go loadEnded":     "tombstones are read from Redis at a fixed pace, and all of one reading have one line",
	"internal/ledger/redisledger/memory.go checkMemory": byOnce,
	"internal/ledger/redisledger/server.go answer":      byTake,
	"internal/limit/line.go Warn":                       "the limiter itself",
	"internal/notice/limits.go leave":                   byTake,
	"internal/outage/log.go Unanswered":                 byOutage,
	"internal/outage/log.go noteBy":                     byTake,
	"internal/profile/grant.go Keep":                    byTake,
	"internal/push/close.go Close":                      atLoad,
	"internal/push/close.go warn":                       byTake,
	"internal/push/journal.go Resume":                   atLoad,
	"internal/push/reseal.go Reseal":                    "session keys were replaced, and the journal cannot be written: no request causes either",
	"internal/push/step.go lose":                        "a push that WeChat has signed was lost: unsigned ones are refused before, without a line",
	"internal/redislog/logger.go Printf":                byTake,
	"internal/signin/follower.go addUnionID":            byOutage,
	"internal/signin/newsession.go replace":             byOutage,
	"internal/signin/sessionkey.go sealSessionKey":      byOutage,
	"internal/signout/run.go Close":                     atLoad,
	"internal/signout/unfinished.go warn":               byLine,
	"internal/site/followers.go followCode":             byOutage,
	"internal/site/forwardedproto.go warnOfScheme":      byLine,
	"internal/site/log.go LogUnavailable":               byTake,
	"internal/site/pendinglogout.go TryCompleteLogout":  byOutage,
	"internal/site/renewal.go carryOutRenewal":          byOutage,
	"internal/site/signout.go EndByUpstream":            byOutage,
	"internal/webhook/log.go warn":                      byTake,
	"internal/webhook/log.go warnOfBurial":              byTake,
	"internal/wechat/renewal.go alone":                  "one renewal of an account's token runs at a time, and a failure pauses it: see pause",
	"internal/wechat/renewal.go load":                   "one renewal of an account's token runs at a time, and it replaces the record",
	"internal/wechat/renewal.go save":                   "one renewal of an account's token runs at a time, and the token lasts for an hour or two",
	"internal/wechat/tokenkeeper.go pause":              "WeChat is not asked again until the pause is over, which this line announces",
	"session/cachedconfig.go warn":                      "when the store begins to fail or its channel breaks, after five good seconds; the Redis store announces its changes itself",
	"session/keymanager.go Run":                         byTimer,
	"session/keymanager.go open":                        byTimer,
	"session/keymanagerjoin.go marked":                  byTimer,
	"session/keymanagerstorage.go locked":               byTimer,
	"session/keymanagerstorage.go rotate":               byTimer,
	"session/keymanagerstorage.go warnClock":            byTimer,
}

// Attack: a flood of requests fills the disk with warnings, and hides those
// that matter. Each place that logs a WARN or an ERROR has a row that says what
// holds it back. A new place without a row fails, and so does a row whose
// limiter the code does not have.
func TestAttackWarningsAreLimited(t *testing.T) {
	t.Parallel()
	found := loudPlaces(t)
	for _, place := range slices.Sorted(maps.Keys(found)) {
		reason, ok := warnings[place]
		if !ok {
			t.Errorf("%s logs a warning or an error: add a row that says what holds it back when a flood of requests causes it", place)
			continue
		}
		p := found[place]
		switch {
		case reason == byLine && (p.plain > 0 || p.line == 0),
			reason == byOutage && (p.plain > 0 || p.outage == 0),
			reason == byTake && p.takes == 0,
			reason == byOnce && p.once == 0:
			t.Errorf("%s: nothing holds its lines back by %s: %+v", place, reason, p)
		}
	}
	for place := range warnings {
		if _, ok := found[place]; !ok {
			t.Errorf("the table has %s, which logs no warning and no error", place)
		}
	}
	if len(found) < 40 {
		t.Errorf("only %d places were found: is the search still right?", len(found))
	}
}

// loud counts what a function does about warnings.
type loud struct {
	plain  int // Warn and Error of a logger
	line   int // Warn of a limit.Line
	outage int // calls of outage.Log with a level
	takes  int // questions to a limiter
	once   int // Do of a sync.Once
	levels int // mentions of a level
}

// loudPlaces returns the functions that log warnings or errors, by file and
// name.
func loudPlaces(t *testing.T) map[string]loud {
	t.Helper()
	found := map[string]loud{}
	for _, room := range []string{"caddymodule", "internal", "session"} {
		err := filepath.WalkDir(room, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (strings.HasSuffix(path, "test") || path == "caddymodule/command"):
				return filepath.SkipDir // helpers of tests, and commands, which answer no request
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok {
					if p := loudnessOf(f); p.plain+p.line+p.levels > 0 {
						found[path+" "+f.Name.Name] = p
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func loudnessOf(f *ast.FuncDecl) (p loud) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if from, ok := n.X.(*ast.Ident); ok && from.Name == "slog" && (n.Sel.Name == "LevelWarn" || n.Sel.Name == "LevelError") {
				p.levels++
			}
		case *ast.CallExpr:
			p.count(n)
		}
		return true
	})
	return p
}

// count counts one call.
func (p *loud) count(call *ast.CallExpr) {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	from, _ := f.X.(*ast.Ident)
	switch f.Sel.Name {
	case "Warn", "WarnContext", "Error", "ErrorContext":
		switch {
		case len(call.Args) == 0, from != nil && (from.Name == "http" || from.Name == "caddyhttp" || from.Name == "redis"):
			// err.Error(), and answers to requests
		case isLogger(call.Args[0]):
			p.line++
		default:
			p.plain++
		}
	case "Note", "LogFailed", "Failed", "Unanswered", "noteBy":
		p.outage++
	case "Take", "Due", "mayWarn", "CompareAndSwap", "Since":
		p.takes++
	case "Do":
		p.once++
	}
}

// isLogger reports whether an argument is a logger: a limit.Line is told where
// to write.
func isLogger(arg ast.Expr) bool {
	switch arg := arg.(type) {
	case *ast.SelectorExpr:
		return strings.EqualFold(arg.Sel.Name, "logger")
	case *ast.Ident:
		return strings.EqualFold(arg.Name, "logger")
	}
	return false
}
