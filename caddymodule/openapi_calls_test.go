package caddymodule

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// docs/openapi.yaml has the calls of the code, their methods, parameters and
// refusals, and nothing more.
func TestOpenAPIHasTheCalls(t *testing.T) {
	t.Parallel()
	doc, err := ReadOpenAPI()
	if err != nil {
		t.Fatalf("docs/openapi.yaml: %v", err)
	}
	source := readAdminSource(t)
	inCode := callsInCode()
	for path, item := range doc.Paths {
		for method := range item.Calls() {
			if inCode[path][method] == "" {
				t.Errorf("docs/openapi.yaml has %s %s, which the code does not have: remove it", method, path)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(inCode)) {
		item := doc.Paths[path]
		if got, want := parametersIn("path", item.Parameters), pathParameters(path); !slices.Equal(got, want) {
			t.Errorf("docs/openapi.yaml: %s must have the path parameters %q, and has %q", path, want, got)
		}
		for method, name := range inCode[path] {
			t.Run(method+" "+path, func(t *testing.T) {
				if facts := source.facts(t, name); item.Calls()[method] == nil {
					t.Errorf("docs/openapi.yaml lacks this call. Add below paths:\n\n%s", snippet(path, method, name, facts))
				} else {
					checkCall(t, doc, item.Calls()[method], method, facts)
				}
			})
		}
	}
}

// checkCall compares a call of the document with what the code says.
func checkCall(t *testing.T, doc *OpenAPI, call *OpenAPICall, method string, facts callFacts) {
	t.Helper()
	if call.OperationID == "" || call.Summary == "" {
		t.Error("the call needs an operationId and a summary")
	}
	if !facts.asksQuery {
		t.Error("the call ignores its query: call noQuery or query, so that no parameter is taken for one that it obeys")
	}
	if got := parametersIn("query", call.Parameters); !slices.Equal(got, facts.parameters) {
		t.Errorf("the document has the query parameters %q, and the code %q", got, facts.parameters)
	}
	if method == http.MethodHead {
		return // its refusals have no body
	}
	words := doc.Words(call)
	for _, word := range facts.must {
		if !slices.Contains(words, word) && !slices.Contains(Everywhere, word) {
			t.Errorf("the code refuses with %s: add it to the words of the response %q", word, fmt.Sprint(refusalStatus[refusal(word)]))
		}
	}
	for _, word := range words {
		if !slices.Contains(facts.must, word) && !slices.Contains(facts.may, word) {
			t.Errorf("the document has the word %s, with which the code does not refuse: remove it", word)
		}
	}
	for status, answer := range call.Responses {
		if name, ok := strings.CutPrefix(answer.Ref, "#/components/responses/"); ok {
			answer = doc.Components.Responses[name]
		}
		for _, content := range answer.Content {
			for _, word := range wordsOf(content.Schema) {
				if want := fmt.Sprint(refusalStatus[refusal(word)]); want != status {
					t.Errorf("the word %s is under the status %s, and has %s", word, status, want)
				}
			}
		}
	}
}

// Each schema of the document can be used, and each component is used.
func TestOpenAPIIsWhole(t *testing.T) {
	t.Parallel()
	doc, err := ReadOpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Info.Title == "" || doc.Info.Version == "" || len(doc.Servers) == 0 {
		t.Error("the head of the document is not whole")
	}
	for name := range doc.Components.Schemas {
		pointer := "#/components/schemas/" + name
		if _, err := doc.compiler.Compile(openAPIFile + pointer); err != nil {
			t.Error(err)
		}
		if !strings.Contains(string(text), pointer+`"`) {
			t.Errorf("no call uses %s", pointer)
		}
	}
	for name := range doc.Components.Responses {
		if pointer := "#/components/responses/" + name; !strings.Contains(string(text), pointer+`"`) {
			t.Errorf("no call uses %s", pointer)
		}
	}
	ids := map[string]bool{}
	for _, item := range doc.Paths {
		for _, call := range item.Calls() {
			if ids[call.OperationID] {
				t.Errorf("two calls have the operationId %s", call.OperationID)
			}
			ids[call.OperationID] = true
		}
	}
}

// docs/admin.md explains each call, and so does docs/admin.zh-CN.md.
func TestDocumentHasTheCalls(t *testing.T) {
	t.Parallel()
	for _, name := range adminDocuments {
		admin, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for path, methods := range callsInCode() {
			for method := range methods {
				call := regexp.MustCompile(`\\\{[a-z_]+\\\}`).ReplaceAllString(regexp.QuoteMeta(method+" "+path), "<[a-z ]+>")
				if method != http.MethodHead && !regexp.MustCompile("`"+call+"[`?\\[]").Match(admin) {
					t.Errorf("%s does not have `%s %s`: write the call in the table of the section that it belongs to, or in a sentence", name, method, path)
				}
			}
		}
	}
}

// callsInCode returns the name of the function of each call, by path and method.
func callsInCode() map[string]map[string]string {
	calls := map[string]map[string]string{}
	for path, methods := range adminCalls {
		if len(methods) == 0 {
			continue // the answer to unknown paths
		}
		calls[path] = map[string]string{}
		for method, call := range methods {
			calls[path][method] = functionName(call)
		}
	}
	for path, call := range earlyCalls {
		name := functionName(call)
		calls[path] = map[string]string{http.MethodGet: name, http.MethodHead: name}
	}
	return calls
}

func functionName(f any) string {
	name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}

// pathParameters returns the parameters in a path, in the order of their names.
func pathParameters(path string) (names []string) {
	for _, m := range regexp.MustCompile(`\{([a-z_]+)\}`).FindAllStringSubmatch(path, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

func parametersIn(where string, all []OpenAPIParameter) (names []string) {
	for _, p := range all {
		if p.In == where && p.Schema != nil {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}

// snippet is what the document lacks, ready to be completed.
func snippet(path, method, function string, facts callFacts) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %s:\n", path)
	if names := pathParameters(path); len(names) > 0 {
		b.WriteString("    parameters:\n")
		for _, name := range names {
			fmt.Fprintf(&b, "      - {name: %s, in: path, required: true, schema: {type: string}}\n", name)
		}
	}
	fmt.Fprintf(&b, "    %s:\n      operationId: %s\n      summary: …\n", strings.ToLower(method), function)
	if len(facts.parameters) > 0 {
		b.WriteString("      parameters:\n")
		for _, name := range facts.parameters {
			fmt.Fprintf(&b, "        - {name: %s, in: query, schema: {type: string}}\n", name)
		}
	}
	b.WriteString("      responses:\n        \"200\":\n          description: …\n          content:\n            application/json:\n              schema: {type: object, required: […], properties: {…}}\n")
	byStatus := map[int][]string{}
	for _, word := range facts.must {
		if status := refusalStatus[refusal(word)]; !slices.Contains(Everywhere, word) {
			byStatus[status] = append(byStatus[status], word)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		fmt.Fprintf(&b, "        %q:\n          description: …\n          content:\n            application/json:\n              schema: {$ref: \"#/components/schemas/Refusal\", properties: {error: {enum: [%s]}}}\n",
			fmt.Sprint(status), strings.Join(byStatus[status], ", "))
	}
	fmt.Fprintf(&b, "\nor a component that fits, such as {$ref: \"#/components/responses/Unavailable\"}. Of these words, add those with which the call can refuse: %s\n", strings.Join(facts.may, ", "))
	return b.String()
}

// callFacts is what the source of a call says.
type callFacts struct {
	parameters []string // of the query
	asksQuery  bool     // it reads its query, or refuses any
	must, may  []string // the words of refusals; may has those that errors of the store are mapped to
}

// adminSource is the source of the admin calls, by function.
type adminSource struct {
	functions map[string]*ast.FuncDecl
	words     map[string]string // by constant
	outcomes  []string          // the words of adminOutcomes
}

func readAdminSource(t *testing.T) *adminSource {
	t.Helper()
	files, err := filepath.Glob("admin*.go")
	if err != nil {
		t.Fatal(err)
	}
	s := &adminSource{functions: map[string]*ast.FuncDecl{}, words: map[string]string{}}
	var all []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				s.functions[n.Name.Name] = n
			case *ast.ValueSpec:
				if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "refusal" && len(n.Values) == 1 {
					s.words[n.Names[0].Name], _ = strconv.Unquote(n.Values[0].(*ast.BasicLit).Value)
				}
			}
			return true
		})
	}
	for _, file := range all {
		for _, decl := range file.Decls {
			if vars, ok := decl.(*ast.GenDecl); ok && vars.Tok == token.VAR && vars.Specs[0].(*ast.ValueSpec).Names[0].Name == "adminOutcomes" {
				s.outcomes = s.wordsIn(vars)
			}
		}
	}
	if len(s.words) != len(refusalStatus) || len(s.outcomes) == 0 {
		t.Fatalf("%d words and %d outcomes were found: is the search still right?", len(s.words), len(s.outcomes))
	}
	return s
}

func (s *adminSource) wordsIn(n ast.Node) (words []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok && s.words[ident.Name] != "" {
			words = append(words, s.words[ident.Name])
		}
		return true
	})
	return words
}

// facts reads the function of a call and all that it calls.
func (s *adminSource) facts(t *testing.T, name string) callFacts {
	t.Helper()
	if s.functions[name] == nil {
		t.Fatalf("the function %s stands in no file admin*.go", name)
	}
	facts := callFacts{may: append([]string{string(storeUnavailable)}, s.outcomes...)}
	// Each call goes through answerAdmin, or earlyCall.answer.
	facts.must = append(facts.must, string(notConfigured))
	seen := map[string]bool{"adminError": true} // its words are those of may
	var read func(string)
	read = func(name string) {
		if seen[name] || s.functions[name] == nil {
			return
		}
		seen[name] = true
		body := s.functions[name].Body
		facts.must = append(facts.must, s.wordsIn(body)...)
		local := variablesIn(body)
		ast.Inspect(body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "query" {
					facts.parameters = append(facts.parameters, namesIn(t, n.Args[1:])...)
				}
			case *ast.SelectorExpr:
				read(n.Sel.Name)
			case *ast.Ident:
				if !local[n.Name] {
					read(n.Name)
				}
			}
			return true
		})
	}
	read(name)
	facts.asksQuery = seen["query"]
	if slices.ContainsFunc(slices.Collect(maps.Values(earlyCalls)), func(c earlyCall) bool { return functionName(c) == name }) {
		facts.asksQuery, facts.must = true, append(facts.must, string(invalidQuery)) // see earlyCall.answer
	}
	for _, list := range []*[]string{&facts.parameters, &facts.must, &facts.may} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return facts
}

// variablesIn returns the names of the variables that a function declares. One
// may have the name of a method that the function does not call.
func variablesIn(body ast.Node) map[string]bool {
	names := map[string]bool{}
	declare := func(left ...ast.Expr) {
		for _, e := range left {
			if ident, ok := e.(*ast.Ident); ok {
				names[ident.Name] = true
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				declare(n.Lhs...)
			}
		case *ast.RangeStmt:
			declare(n.Key, n.Value)
		}
		return true
	})
	return names
}

// namesIn returns the names in the sets that query is called with.
func namesIn(t *testing.T, sets []ast.Expr) (names []string) {
	t.Helper()
	for _, set := range sets {
		list, ok := set.(*ast.CompositeLit)
		if !ok {
			if call, ok := set.(*ast.Ident); !ok || call.Name != "sets" { // of query's own
				t.Error("query must be called with lists of names as they are: []string{…}")
			}
			continue
		}
		for _, name := range list.Elts {
			text, err := strconv.Unquote(name.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, text)
		}
	}
	return names
}
