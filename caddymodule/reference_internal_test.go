package caddymodule

import (
	flags "flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
)

// docs/configuration.md is made of three things in the code: the syntax in the
// comments of the functions that read a Caddyfile, the doc comments of the
// fields of the configuration, and the tables of words. These tests hold the
// three together. The prose of the document, between the generated parts, is
// written by hand.

const referenceFile = "../docs/configuration.md"

// referenceBlocks are the blocks of a Caddyfile, in the order of the document.
var referenceBlocks = []referenceBlock{
	{name: "wechat", table: "App.words", syntax: "App.UnmarshalCaddyfile", path: "wechat", of: "App", json: "apps.wechat"},
	{name: "official_account", table: "Account.words", syntax: "App.UnmarshalCaddyfile", path: "wechat official_account", of: "Account", json: "apps.wechat.official_accounts[]"},
	{name: "session", table: "App.parseSession", syntax: "App.UnmarshalCaddyfile", path: "wechat session", of: "Session", json: "apps.wechat.session"},
	{name: "store redis", table: "RedisStore.UnmarshalCaddyfile", syntax: "RedisStore.UnmarshalCaddyfile", path: "store", of: "RedisStore", json: "apps.wechat.store"},
	{name: "webhook", table: "App.parseWebhook", syntax: "App.UnmarshalCaddyfile", path: "wechat webhook", of: "Webhook", json: "apps.wechat.webhooks[]"},
	{name: "brand", table: "parseBrand", syntax: "parseBrand", path: "brand", of: "Brand", json: "apps.wechat.brand"},
	{name: "wechat_auth", table: "Handler.words", syntax: "parseDirective", path: "wechat_auth", of: "Handler", json: "handler"},
	{name: "assertion", table: "Handler.parseAssertion", syntax: "parseDirective", path: "wechat_auth assertion", of: "Assertion", json: "handler.assertion"},
}

type referenceBlock struct {
	name, table, syntax, path, of, json string
}

// referenceFields are the fields that an option sets, where it is not one field
// of its own name. A field of another type stands at the path behind it.
var referenceFields = map[string][]string{
	"official_account":                   {"App.OfficialAccounts", "Account.Name apps.wechat.official_accounts[].name"},
	"mini_program":                       {"App.MiniPrograms"},
	"mobile_app":                         {"App.MobileApps"},
	"website":                            {"App.Websites"},
	"store":                              {"App.StoreRaw", "LocalStore.Folder apps.wechat.store.folder", "RedisStore.Address apps.wechat.store.address"},
	"webhook":                            {"App.Webhooks", "Webhook.URL apps.wechat.webhooks[].url"},
	"official_account: verify_file":      {"Account.VerifyFiles", "VerifyFile.Name apps.wechat.official_accounts[].verify_files[].name", "VerifyFile.Content apps.wechat.official_accounts[].verify_files[].content"},
	"official_account: push_token":       {"Account.Push", "Push.Tokens apps.wechat.official_accounts[].push.tokens"},
	"official_account: push_aes_key":     {"Push.AESKeys apps.wechat.official_accounts[].push.aes_keys"},
	"official_account: push_relay":       {"Push.Relay apps.wechat.official_accounts[].push.relay"},
	"official_account: push_relay_all":   {"Push.RelayAll apps.wechat.official_accounts[].push.relay_all"},
	"official_account: push_unsubscribe": {"Push.Unsubscribe apps.wechat.official_accounts[].push.unsubscribe"},
	"session: key":                       {"Session.Keys"},
	"webhook: secret":                    {"Webhook.Secrets"},
	"wechat_auth: account":               {"Handler.Account", "Handler.Accounts"},
	"wechat_auth: scope":                 {"Handler.Scope", "Handler.Scopes", "ScopeRule.Scope handler.scopes[].scope"},
	"wechat_auth: public":                {"Handler.Public", "PathRule.Paths handler.public.paths", "PathRule.MatcherSetsRaw handler.public.match"},
	"wechat_auth: without_consent":       {"Handler.WithoutConsent", "Handler.DeclineHolds"},
	"wechat_auth: header":                {"Handler.Headers"},
	"wechat_auth: cors_origin":           {"Handler.CORSOrigins"},
	"wechat_auth: allow":                 {"Handler.Allow", "Handler.AllowFollowers"},
}

// referenceJSON are the fields that no word of a Caddyfile sets.
var referenceJSON = map[string][]string{"wechat_auth": {"Handler.Origins", "Handler.Doors"}}

// referenceLinks lead on from an option.
var referenceLinks = map[string]string{
	"official_account":                   "[README](../README.md#put-it-in-front-of-your-app), [domains.md](domains.md)",
	"mini_program":                       "[doors.md](doors.md#mini-program)",
	"mobile_app":                         "[doors.md](doors.md#mobile-app)",
	"website":                            "[doors.md](doors.md#desktop-with-a-website-account)",
	"store":                              "[What is kept where](operators.md#what-is-kept-where), [fleet.md](fleet.md)",
	"webhook":                            "[revocation.md](revocation.md#what-receivers-must-do)",
	"profile_max_age":                    "[Pushes, webhooks and profiles](operators.md#pushes-webhooks-and-profiles)",
	"callback_origin":                    "[domains.md](domains.md#one-callback-host-for-many-sites)",
	"deny":                               "[Who may enter](operators.md#who-may-enter)",
	"brand":                              "[pages.md](pages.md#name-logo-and-colour)",
	"open_url":                           "[Trying it without WeChat](operators.md#trying-it-without-wechat)",
	"api_url":                            "[Trying it without WeChat](operators.md#trying-it-without-wechat)",
	"official_account: app_secret":       "[Secrets](operators.md#secrets)",
	"official_account: verify_file":      "[domains.md](domains.md#what-wechat-asks-for)",
	"official_account: qr":               "[Followers only](operators.md#followers-only)",
	"official_account: push_token":       "[revocation.md](revocation.md)",
	"official_account: push_relay":       "[What the gateway does](revocation.md#what-the-gateway-does)",
	"official_account: push_unsubscribe": "[What the gateway does](revocation.md#what-the-gateway-does)",
	"session: key":                       "[Secrets](operators.md#secrets), [Rotating keys](fleet.md#rotating-keys)",
	"store redis: prefix":                "[What is in Redis](fleet.md#what-is-in-redis)",
	"store redis: username":              "[Who may write to this Redis](fleet.md#who-may-write-to-this-redis)",
	"store redis: stale_if_down":         "[What each failure does](fleet.md#what-each-failure-does)",
	"webhook: secret":                    "[What receivers must do](revocation.md#what-receivers-must-do)",
	"webhook: events":                    "[The message](revocation.md#the-message)",
	"wechat_auth: account":               "[doors.md](doors.md)",
	"wechat_auth: origin":                "[The load balancer](fleet.md#the-load-balancer)",
	"wechat_auth: scope":                 "[Paths and upstreams](operators.md#paths-and-upstreams)",
	"wechat_auth: consent":               "[A visitor's way](operators.md#a-visitors-way)",
	"wechat_auth: public":                "[Paths and upstreams](operators.md#paths-and-upstreams)",
	"wechat_auth: optional":              "[Paths and upstreams](operators.md#paths-and-upstreams)",
	"wechat_auth: outside_wechat":        "[scan.md](scan.md), [Desktop, with a website account](doors.md#desktop-with-a-website-account)",
	"wechat_auth: header":                "[upstreams.md](upstreams.md)",
	"wechat_auth: encoding":              "[Nicknames](upstreams.md#nicknames)",
	"wechat_auth: strip_cookies":         "[Cookies](upstreams.md#cookies)",
	"wechat_auth: cors_origin":           "[CORS](doors.md#cors)",
	"wechat_auth: check":                 "[forward-auth.md](forward-auth.md)",
	"wechat_auth: keep_fragment":         "[Hash routes](spa.md#hash-routes)",
	"wechat_auth: preserve_post":         "[forms.md](forms.md)",
	"wechat_auth: assertion":             "[assertion.md](assertion.md)",
	"wechat_auth: health":                "[health.md](health.md)",
	"wechat_auth: allow":                 "[Who may enter](operators.md#who-may-enter)",
	"wechat_auth: pages":                 "[pages.md](pages.md#your-own-files)",
	"wechat_auth: brand":                 "[pages.md](pages.md#name-logo-and-colour)",
}

// The generated parts of docs/configuration.md are what the code says.
func TestConfigurationReference(t *testing.T) {
	t.Parallel()
	source := readSource(t)
	content, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, block := range referenceBlocks {
		text = replacePart(t, text, block.name, source.entries(t, block))
	}
	text = replacePart(t, text, "placeholders", source.placeholders(t))
	if text == string(content) {
		return
	}
	if flags.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(referenceFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	was, is := firstChange(string(content), text)
	t.Errorf("docs/configuration.md has\n\t%s\nwhere the code says\n\t%s\nWrite it anew: go test ./caddymodule -run TestConfigurationReference -update\nThen say the same in docs/configuration.zh-CN.md.", was, is)
}

// The syntax that comments show has the words of the tables, and the values
// that the tables allow.
func TestSyntaxInCommentsIsTrue(t *testing.T) {
	t.Parallel()
	source := readSource(t)
	known := map[string]bool{}
	for _, block := range referenceBlocks {
		known[block.table] = true
		t.Run(block.name, func(t *testing.T) {
			t.Parallel()
			var inComment []string
			for _, option := range source.options(t, block) {
				inComment = append(inComment, option.word)
				if values, ok := choices[option.word]; ok && !slices.ContainsFunc(option.syntax, func(line string) bool { return offers(line, values) }) {
					t.Errorf("the comment of %s shows %q; the values of %s are %v", block.syntax, option.syntax, option.word, values)
				}
			}
			inTable := source.tables[block.table]
			if block.table == "App.words" {
				for _, e := range accountKinds {
					inTable = append(inTable, string(e.kind))
				}
			}
			for _, word := range inTable {
				if !slices.Contains(inComment, word) {
					t.Errorf("%s reads the option %s, and the comment of %s does not show it: write a line of its syntax there", block.table, word, block.syntax)
				}
			}
			for _, word := range inComment {
				if !slices.Contains(inTable, word) {
					t.Errorf("the comment of %s shows the option %s, and %s does not read it", block.syntax, word, block.table)
				}
			}
		})
	}
	for table := range source.tables {
		if !known[table] {
			t.Errorf("%s has a table of options that referenceBlocks does not list", table)
		}
	}
}

// offers reports whether an argument of a line is one of these values.
func offers(line string, values []string) bool {
	for argument := range strings.FieldsSeq(line) {
		given := strings.Split(argument, "|")
		slices.Sort(given)
		if slices.Equal(given, slices.Sorted(slices.Values(values))) {
			return true
		}
	}
	return false
}

// Every field of the configuration is in the reference.
func TestReferenceHasEveryField(t *testing.T) {
	t.Parallel()
	source := readSource(t)
	shown, entries := map[string]bool{}, map[string]bool{}
	for _, block := range referenceBlocks {
		for _, option := range source.options(t, block) {
			entries[entryName(block, option.word)] = true
			for _, name := range option.fields {
				shown[name] = true
			}
		}
		for _, name := range referenceJSON[block.name] {
			shown[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(source.fields)) {
		if !shown[name] {
			t.Errorf("no option of the reference sets %s. If an option of the same name does, write its syntax in the comment of the function that reads the Caddyfile; if one of another name does, add the field to referenceFields; if none does, to referenceJSON", name)
		}
	}
	for key := range referenceFields {
		if !entries[key] {
			t.Errorf("referenceFields has %q, which is no option", key)
		}
	}
	for key := range referenceLinks {
		if !entries[key] {
			t.Errorf("referenceLinks has %q, which is no option", key)
		}
	}
}

// referenceSource is what the reference is made of.
type referenceSource struct {
	comments map[string]string    // of functions and types, by name
	fields   map[string]jsonField // of the configuration, by Type.Field
	tables   map[string][]string  // words, by the function that has them
}

// jsonField is a field of the configuration.
type jsonField struct{ name, kind, text string }

// configTypes are the types of the configuration.
var configTypes = []reflect.Type{
	reflect.TypeFor[App](), reflect.TypeFor[Handler](), reflect.TypeFor[LocalStore](), reflect.TypeFor[RedisStore](),
}

func readSource(t *testing.T) referenceSource {
	t.Helper()
	s := referenceSource{comments: map[string]string{}, fields: map[string]jsonField{}, tables: map[string][]string{}}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	texts := map[string]string{} // of fields
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				name := documentedName(d)
				s.comments[name] = d.Doc.Text()
				if words := wordsInTables(d); len(words) > 0 {
					s.tables[name] = words
				}
			case *ast.GenDecl:
				s.readTypes(d, texts)
			}
		}
	}
	seen := map[reflect.Type]bool{}
	for _, typ := range configTypes {
		s.readFields(t, typ, texts, seen)
	}
	return s
}

func documentedName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	return receiver.(*ast.Ident).Name + "." + f.Name.Name
}

// wordsInTables lists the words of the tables of a function.
func wordsInTables(f *ast.FuncDecl) []string {
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if name, ok := literal.Type.(*ast.Ident); ok && name.Name == "words" {
			for _, element := range literal.Elts {
				found = append(found, strings.Trim(element.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value, `"`))
			}
		}
		return true
	})
	return found
}

// readTypes reads the comments of types and of their fields.
func (s referenceSource) readTypes(d *ast.GenDecl, texts map[string]string) {
	for _, spec := range d.Specs {
		typ, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		s.comments[typ.Name.Name] = d.Doc.Text()
		if structure, ok := typ.Type.(*ast.StructType); ok {
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					texts[typ.Name.Name+"."+name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
			}
		}
	}
}

// readFields reads the fields of a type of the configuration and of the types
// in it.
func (s referenceSource) readFields(t *testing.T, typ reflect.Type, texts map[string]string, seen map[reflect.Type]bool) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ.PkgPath() != reflect.TypeFor[App]().PkgPath() || seen[typ] {
		return
	}
	seen[typ] = true
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported():
			continue
		case field.Anonymous:
			s.readFields(t, field.Type, texts, seen)
			continue
		case name == "":
			t.Errorf("%s.%s has no json tag", typ.Name(), field.Name)
			continue
		}
		full := typ.Name() + "." + field.Name
		text := texts[full]
		if !strings.Contains(text, "Default: ") && !strings.Contains(strings.ToLower(text), "required.") {
			t.Errorf("the comment of %s says neither its default (Default: …) nor that it is required (Required.)", full)
		}
		s.fields[full] = jsonField{name: name, kind: jsonKind(field.Type), text: text}
		s.readFields(t, field.Type, texts, seen)
	}
}

// jsonKind says what a value is in JSON.
func jsonKind(typ reflect.Type) string {
	switch {
	case typ.Name() == "Duration":
		return "a duration"
	case typ.Kind() == reflect.String:
		return "a string"
	case typ.Kind() == reflect.Bool:
		return "true or false"
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.String:
		return "a list of strings"
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() != reflect.Uint8:
		return "a list of objects"
	default:
		return "an object"
	}
}

// option is a word of a block.
type option struct {
	word   string
	syntax []string
	fields []string // names, such as Session.Idle
	paths  []string // in JSON, one for each field
}

// options lists the options of a block in the order of its syntax.
func (s referenceSource) options(t *testing.T, block referenceBlock) []option {
	t.Helper()
	lines := syntaxAt(s.comments[block.syntax], strings.Fields(block.path))
	if len(lines) == 0 {
		t.Fatalf("the comment of %s shows no block %s", block.syntax, block.path)
	}
	var all []option
	for _, line := range lines {
		names, arguments, _ := strings.Cut(line, " ")
		for word := range strings.SplitSeq(names, "|") {
			syntax := strings.TrimSpace(word + " " + arguments)
			if i := slices.IndexFunc(all, func(o option) bool { return o.word == word }); i >= 0 {
				all[i].syntax = append(all[i].syntax, syntax)
				continue
			}
			o := option{word: word, syntax: []string{syntax}}
			s.findFields(t, block, &o)
			all = append(all, o)
		}
	}
	return all
}

// findFields finds the fields that an option sets, and where they stand.
func (s referenceSource) findFields(t *testing.T, block referenceBlock, o *option) {
	t.Helper()
	for _, field := range referenceFields[entryName(block, o.word)] {
		name, path, ok := strings.Cut(field, " ")
		if !ok {
			path = block.json + "." + s.fields[name].name
		}
		o.fields, o.paths = append(o.fields, name), append(o.paths, path)
	}
	for name, field := range s.fields {
		if len(o.fields) == 0 && strings.HasPrefix(name, block.of+".") && field.name == o.word {
			o.fields, o.paths = []string{name}, []string{block.json + "." + field.name}
		}
	}
	if len(o.fields) == 0 {
		t.Errorf("%s: no field of %s is called %s in JSON: if the option sets a field of another name, add it to referenceFields", block.name, block.of, o.word)
	}
	for _, name := range o.fields {
		if _, ok := s.fields[name]; !ok {
			t.Errorf("%s: %s: there is no field %s", block.name, o.word, name)
		}
	}
}

// syntaxAt lists the lines of a block in the syntax that a comment shows. Two
// lines may begin with the same word.
func syntaxAt(comment string, path []string) []string {
	var lines, at []string
	for line := range strings.Lines(comment) {
		if !strings.HasPrefix(line, "\t") {
			continue
		}
		line = strings.Join(strings.Fields(line), " ")
		if line == "}" || line == "}]" {
			at = at[:len(at)-1]
			continue
		}
		if slices.Equal(at, path) && !strings.HasPrefix(line, "…") {
			lines = append(lines, closed(line))
		}
		if strings.HasSuffix(line, "{") {
			at = append(at, strings.Fields(line)[0])
		}
	}
	return lines
}

// closed is a line that opens a block, closed again.
func closed(line string) string {
	switch {
	case strings.HasSuffix(line, " [{"):
		return line + " … }]"
	case strings.HasSuffix(line, " {"):
		return line + " … }"
	default:
		return line
	}
}

// entryName is the heading of an option.
func entryName(block referenceBlock, word string) string {
	if block.name == "wechat" {
		return word
	}
	return block.name + ": " + word
}

// entries writes the options of a block.
func (s referenceSource) entries(t *testing.T, block referenceBlock) string {
	var b strings.Builder
	for _, o := range s.options(t, block) {
		name := entryName(block, o.word)
		fmt.Fprintf(&b, "### %s\n\n", name)
		for i, line := range o.syntax {
			if i > 0 {
				b.WriteString("\\\n")
			}
			fmt.Fprintf(&b, "`%s`", line)
		}
		b.WriteString("\n")
		s.writeFields(&b, o.fields, o.paths)
		if link := referenceLinks[name]; link != "" {
			b.WriteString(wrap("- More: "+link, "  "))
		}
		b.WriteString("\n")
	}
	for _, name := range referenceJSON[block.name] {
		fmt.Fprintf(&b, "### %s: %s\n\nIn JSON only.\n", block.name, s.fields[name].name)
		s.writeFields(&b, []string{name}, []string{block.json + "." + s.fields[name].name})
		b.WriteString("\n")
	}
	return strings.TrimSpace(b.String())
}

// writeFields writes what the comments of fields say.
func (s referenceSource) writeFields(b *strings.Builder, names, paths []string) {
	var facts strings.Builder
	for i, name := range names {
		field := s.fields[name]
		text, standard, hasDefault := strings.Cut(field.text, "Default: ")
		if hasDefault {
			text += "**Default:** " + standard
		}
		b.WriteString("\n" + wrap(text, ""))
		fmt.Fprintf(&facts, "- JSON: `%s`, %s\n", paths[i], field.kind)
	}
	b.WriteString("\n" + facts.String())
}

// placeholders writes the table in the comment of Handler.
func (s referenceSource) placeholders(t *testing.T) string {
	t.Helper()
	want := []string{"id"}
	for _, field := range site.Fields {
		want = append(want, string(field.Field))
	}
	var got []string
	var b strings.Builder
	b.WriteString("| placeholder | value |\n|---|---|\n")
	for _, row := range regexp.MustCompile("(?m)^`(\\{http\\.auth\\.user\\.(\\w+)\\})` \\| (.*)$").FindAllStringSubmatch(s.comments["Handler"], -1) {
		got = append(got, row[2])
		fmt.Fprintf(&b, "| `%s` | %s |\n", row[1], row[3])
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the comment of Handler has the placeholders\n%v\nand site.Fields\n%v", got, want)
	}
	return strings.TrimSpace(b.String())
}

// replacePart writes a generated part of a document anew.
func replacePart(t *testing.T, document, name, text string) string {
	t.Helper()
	before, rest, found := strings.Cut(document, "<!-- generated: "+name+" -->\n")
	_, after, ended := strings.Cut(rest, "<!-- end of generated -->\n")
	if !found || !ended {
		t.Fatalf("docs/configuration.md has no part <!-- generated: %s --> … <!-- end of generated -->", name)
	}
	return before + "<!-- generated: " + name + " -->\n\n" + text + "\n\n<!-- end of generated -->\n" + after
}

// wrap breaks a text into lines of at most 120 columns, but not in code.
func wrap(text, indent string) string {
	var b strings.Builder
	column := 0
	for i, word := range regexp.MustCompile("(?:`[^`]*`|[^` ])+").FindAllString(text, -1) {
		width := len([]rune(word))
		switch {
		case i == 0:
		case column+1+width > 120:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += width
	}
	return b.String() + "\n"
}

// firstChange is the first line in which two texts differ.
func firstChange(was, is string) (string, string) {
	old, anew := strings.Split(was, "\n"), strings.Split(is, "\n")
	for i := range min(len(old), len(anew)) {
		if old[i] != anew[i] {
			return old[i], anew[i]
		}
	}
	return "", ""
}
