package gateway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-wechat/gateway/internal/audit"
)

// What the code calls by a name that operators and apps use stands in the
// documents of both languages, and what these documents call so is there.

// languages are the documents by language, without the changelog, which may
// name what is gone.
func languages(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, document := range documentsOf(t) {
		switch {
		case slices.Contains(inOneLanguage, document):
		case strings.HasSuffix(document, chineseSuffix):
			all["Chinese"] = append(all["Chinese"], document)
		default:
			all["English"] = append(all["English"], document)
		}
	}
	return all
}

// codeIn is all code of a document: its code spans and its blocks, one a line.
func codeIn(t *testing.T, document string) string {
	t.Helper()
	var code strings.Builder
	text := string(readFile(t, document))
	for _, block := range codeFence.FindAllString(text, -1) {
		code.WriteString(block + "\n")
	}
	for _, span := range codeSpan.FindAllString(codeFence.ReplaceAllString(text, ""), -1) {
		code.WriteString(strings.Trim(span, "`") + "\n")
	}
	return code.String()
}

// wantNames compares the names of the code with those that the documents have.
// find lists the names in a piece of code of a document.
func wantNames(t *testing.T, what string, inCode []string, find func(code string) []string) {
	t.Helper()
	for language, documents := range languages(t) {
		found := map[string]bool{}
		for _, document := range documents {
			for _, name := range find(codeIn(t, document)) {
				if found[name] = true; !slices.Contains(inCode, name) {
					t.Errorf("%s names the %s %s, which the code does not have", document, what, name)
				}
			}
		}
		for _, name := range inCode {
			if !found[name] {
				t.Errorf("no document in %s names the %s %s", language, what, name)
			}
		}
	}
}

// literals lists the texts in Go code below these folders that match, without
// tests.
func literals(t *testing.T, form *regexp.Regexp, folders ...string) []string {
	t.Helper()
	found := map[string]bool{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if text, err := strconv.Unquote(literal.Value); err == nil && form.MatchString(text) {
						found[text] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Headers between the gateway and the app.
func TestDocumentsNameTheHeaders(t *testing.T) {
	t.Parallel()
	headers := literals(t, regexp.MustCompile(`^X-Wechat-[A-Za-z-]*[a-z]$`), "internal", "caddymodule")
	if len(headers) < 13 {
		t.Fatalf("only the headers %v were found", headers)
	}
	form := regexp.MustCompile(`X-Wechat-[A-Za-z-]*[a-z]\b`)
	wantNames(t, "header", headers, func(code string) []string { return form.FindAllString(code, -1) })
}

// Events of Caddy. docs_events_test.go compares docs/events.md word by word.
func TestDocumentsNameTheEvents(t *testing.T) {
	t.Parallel()
	var events []string
	for _, event := range audit.Events {
		events = append(events, string(event.Name))
	}
	subscription := regexp.MustCompile(`(?m)^\s*on (wechat_[a-z_]+)|^(wechat_[a-z_]+)$`)
	others := slices.Concat(
		[]string{"wechat_auth", "wechat_browser"},                              // what a Caddyfile has
		[]string{"wechat_log_filter"},                                          // the snippet of Caddyfile.example
		[]string{"wechat_ios", "wechat_android", "wechat_windows"},             // browsers, made of two words in internal/audit
		[]string{"wechat_ticket", "wechat_redirect"},                           // parts of addresses
		literals(t, regexp.MustCompile(`^wechat_[a-z_]+$`), "internal/signin"), // reasons
		metricsInDocument(t),
	)
	wantNames(t, "event", events, func(code string) (names []string) {
		for _, match := range subscription.FindAllStringSubmatch(code, -1) {
			if name := match[1] + match[2]; slices.Contains(events, name) || !slices.Contains(others, name) {
				names = append(names, name)
			}
		}
		return names
	})
}

// Metrics. A test of caddymodule compares docs/metrics.md with the code; other
// documents have no other ones.
func TestDocumentsNameTheMetrics(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`\bcaddy_wechat_[a-z_]+[a-z]`)
	metrics := metricsInDocument(t)
	if len(metrics) < 20 {
		t.Fatalf("only the metrics %v were found", metrics)
	}
	series := regexp.MustCompile(`_(bucket|sum|count)$`) // of a histogram
	wantNames(t, "metric", metrics, func(code string) (names []string) {
		for _, name := range form.FindAllString(code, -1) {
			names = append(names, series.ReplaceAllString(name, ""))
		}
		return names
	})
}

func metricsInDocument(t *testing.T) (names []string) {
	t.Helper()
	for _, row := range regexp.MustCompile("(?m)^\\| `(caddy_wechat_[a-z_]+)`").FindAllStringSubmatch(string(readFile(t, "docs/metrics.md")), -1) {
		names = append(names, row[1])
	}
	return names
}

// The calls of the admin endpoint. A test of caddymodule compares
// docs/openapi.yaml and docs/admin.md with the code.
func TestDocumentsNameTheAdminCalls(t *testing.T) {
	t.Parallel()
	var calls []string
	path := ""
	for line := range strings.Lines(string(readFile(t, "docs/openapi.yaml"))) {
		if m := regexp.MustCompile(`^  (/wechat/\S*):`).FindStringSubmatch(line); m != nil {
			path = regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(m[1], "<>")
		}
		if m := regexp.MustCompile(`^    (get|post|put|delete):`).FindStringSubmatch(line); m != nil {
			calls = append(calls, strings.ToUpper(m[1])+" "+path)
		}
	}
	if len(calls) < 25 {
		t.Fatalf("only the calls %v were found", calls)
	}
	form := regexp.MustCompile(`(?m)^(GET|POST|PUT|DELETE) (/wechat/[^\s?\[\\]*)`)
	wantNames(t, "call", calls, func(code string) (names []string) {
		for _, match := range form.FindAllStringSubmatch(code, -1) {
			names = append(names, match[1]+" "+regexp.MustCompile(`<[^<>]*>`).ReplaceAllString(match[2], "<>"))
		}
		return names
	})
}

// The paths that the gateway answers on a site.
func TestDocumentsNameThePaths(t *testing.T) {
	t.Parallel()
	paths := pathsInCode(t)
	form := regexp.MustCompile(`/_wechat/([^\s?"'),;{}|\\]*)`)
	account := regexp.MustCompile(`^(mini-program|mobile-app|push)/(<[^<>]*>|[a-z0-9_-]+)`)
	wantNames(t, "path", paths, func(code string) (names []string) {
		for _, match := range form.FindAllStringSubmatch(code, -1) {
			name := account.ReplaceAllString(strings.TrimRight(match[1], ".。、，`"), "$1/<>")
			switch first, _, _ := strings.Cut(name, "/"); {
			case strings.HasPrefix(name, "callback/at/"):
				name = "callback/at/"
			case slices.Contains([]string{"callback", "scan", "resend", "ticket"}, first):
				name = first + "/"
			case name == "" || strings.ContainsAny(name, "*…(^$"), // all paths, or some
				name == "check/vip", // a location of nginx, in docs/forward-auth.md
				slices.ContainsFunc(paths, func(path string) bool { return path != name && strings.HasPrefix(path, name) }): // made of two parts
				continue
			}
			names = append(names, name)
		}
		return names
	})
}

// pathsInCode lists the paths below /_wechat/. What ends in a slash has more
// behind it.
func pathsInCode(t *testing.T) []string {
	t.Helper()
	paths := []string{"push/<>"} // caddymodule/pushes.go
	for file, form := range map[string]string{
		"internal/gate/endpoints.go":     `"([a-z.]+)":\s+\(\*Gate\)|name == "([a-z]+)"|(?:CutPrefix|HasPrefix)\(name, "([a-z/]+)"`,
		"internal/gate/clientscript.go":  `clientPath\s+= "([a-z.]+)"`,
		"internal/request/resendpath.go": `Prefix \+ "([a-z]+/)"`,
		"internal/clients/ticketlink.go": `Prefix \+ "([a-z]+/)"`,
		"internal/health/endpoints.go":   `name != "([a-z]+)"`,
	} {
		before := len(paths)
		for _, match := range regexp.MustCompile(form).FindAllStringSubmatch(string(readFile(t, file)), -1) {
			paths = append(paths, strings.Join(match[1:], ""))
		}
		if len(paths) == before {
			t.Errorf("no path was found in %s: is its form another one?", file)
		}
	}
	health := regexp.MustCompile(`name != "([a-z]+)" && name != "([a-z]+)"`).FindStringSubmatch(string(readFile(t, "internal/health/endpoints.go")))
	if health == nil {
		t.Fatal("internal/health/endpoints.go has another form")
	}
	kind := ""
	for line := range strings.Lines(string(readFile(t, "internal/clients/serve.go"))) {
		if m := regexp.MustCompile(`^\t"([a-z-]+)": \{wechat\.`).FindStringSubmatch(line); m != nil {
			kind = m[1]
		} else if m := regexp.MustCompile(`^\t\t"([a-z]+)":\s+Endpoints\.`).FindStringSubmatch(line); m != nil {
			paths = append(paths, kind+"/<>/"+m[1])
		}
	}
	slices.Sort(paths)
	if paths = slices.Compact(paths); len(paths) < 20 {
		t.Fatalf("only the paths %v were found", paths)
	}
	return paths
}

// The commands of `wechat` and their flags.
func TestDocumentsNameTheCommands(t *testing.T) {
	t.Parallel()
	root := &cobra.Command{Use: "wechat"}
	caddycmd.Commands()["wechat"].CobraFunc(root)
	var leaves []string
	flags := map[string][]string{}
	walkCommands(root, func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		cmd.InheritedFlags() // makes them part of Flags
		for _, match := range regexp.MustCompile(`(?m)^\s+(?:-\w, )?(--[a-z-]+)`).FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
			flags[path] = append(flags[path], match[1])
		}
		if !cmd.HasSubCommands() {
			leaves = append(leaves, path)
		}
	})
	if len(leaves) < 25 || len(flags) < 25 {
		t.Fatalf("only the commands %v with the flags %v were found", leaves, flags)
	}
	wantNames(t, "command", leaves, func(code string) (names []string) {
		for _, words := range invocations(code) {
			if cmd, _, err := root.Find(words); err == nil && !cmd.HasSubCommands() {
				names = append(names, cmd.CommandPath())
			}
		}
		return names
	})
	for language, documents := range languages(t) {
		var all strings.Builder
		for _, document := range documents {
			code := codeIn(t, document)
			all.WriteString(code)
			for _, words := range invocations(code) {
				if fault := wrongInvocation(root, flags, words); fault != "" {
					t.Errorf("%s: wechat %s: %s", document, strings.Join(words, " "), fault)
				}
			}
		}
		for _, path := range slices.Sorted(maps.Keys(flags)) {
			for _, flag := range flags[path] {
				if flag != "--help" && !regexp.MustCompile(regexp.QuoteMeta(flag)+`\b`).MatchString(all.String()) {
					t.Errorf("no document in %s names the flag %s of %s", language, flag, path)
				}
			}
		}
	}
}

// wrongInvocation says what is wrong with a command line of a document.
func wrongInvocation(root *cobra.Command, flags map[string][]string, words []string) string {
	if slices.Contains(notCommands, strings.Join(words, " ")) {
		return ""
	}
	cmd, rest, err := root.Find(words)
	if err != nil || cmd.HasSubCommands() && len(rest) > 0 && regexp.MustCompile(`^[a-z]+$`).MatchString(rest[0]) {
		return "there is no such command"
	}
	for _, word := range rest {
		name := regexp.MustCompile(`^[\[(]?(--[a-z][a-z-]*)`).FindStringSubmatch(word)
		if name != nil && name[1] != "--help" && !slices.Contains(flags[cmd.CommandPath()], name[1]) {
			return cmd.CommandPath() + " has no flag " + name[1]
		}
	}
	return ""
}

// notCommands begin like commands, and are none: names of spans in traces, and
// a mistake that docs/admin.md shows.
var notCommands = []string{"exchange", "login", "sign-in", "persons ereas"}

// invocations lists the words behind each `wechat` of a piece of code that is a
// command line.
func invocations(code string) [][]string {
	var all [][]string
	for _, match := range regexp.MustCompile(`(?m)(?:^|(?:wechat-gateway|caddy|wechat-gateway\.exe) )wechat ([a-z][^\n|;&)]*)`).FindAllStringSubmatch(code, -1) {
		all = append(all, strings.Fields(match[1]))
	}
	return all
}

func walkCommands(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, child := range cmd.Commands() {
		walkCommands(child, visit)
	}
}
