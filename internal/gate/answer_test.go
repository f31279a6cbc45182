package gate

import (
	"strings"
	"testing"
)

// Attack 27: duplicate code and state, and a state altered on the way.
func TestAttack27ParseAnswer(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]wechatAnswer{
		"":                                      {},
		"code=C&state=S":                        {code: "C", state: "S"},
		"state=S&code=C":                        {code: "C", state: "S"},
		"code=C&state=S&from=singlemessage":     {code: "C", state: "S"},
		"state=S":                               {state: "S"},
		"code=&state=S":                         {state: "S"},
		"state=APP&code=C&state=S":              {code: "C", state: "S"},
		"code=C&code=C&state=S":                 {code: "C", state: "S"},
		"code=C&code=D&state=S":                 {code: "D", state: "S", ambiguous: true},
		"code=C&code=&state=S":                  {state: "S", ambiguous: true},
		"code=&code=C&state=S":                  {code: "C", state: "S"},
		"code=authdeny&state=S":                 {state: "S"},
		"code=authdeny&code=authdeny&state=S":   {state: "S"},
		"code=authdeny&code=C&state=S":          {code: "C", state: "S", ambiguous: true},
		"code=C&code=authdeny&state=S":          {state: "S", ambiguous: true},
		"code=AUTHDENY&state=S":                 {code: "AUTHDENY", state: "S"},
		"CODE=C&State=S":                        {},
		"code=%41%2b+B&state=S":                 {code: "A+ B", state: "S"},
		"code=C;state=S":                        {},
		"x;y&code=C&state=S":                    {code: "C", state: "S"},
		"code=%zz&state=S":                      {state: "S"},
		"%zz":                                   {},
		"code[]=C&state=S":                      {state: "S"},
		"x=" + strings.Repeat("a", maxQuery):    {ambiguous: true},
		"code=C&state=S?from=timeline":          {code: "C", state: "S?from=timeline"},
		"code=C&state=S&&&=&code=C&state=Shttp": {code: "C", state: "Shttp"},
	} {
		if got := parseAnswer(query); got != want {
			t.Errorf("%.60q: %+v, want %+v", query, got, want)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	for _, seed := range []string{"code=C&state=S", "state=a&code=C&state=S", "code=C&code=D", "code=C;state=S", "%zz", "&&="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		a := parseAnswer(query)
		if len(query) > maxQuery && (a.code != "" || a.state != "" || !a.ambiguous) {
			t.Fatalf("a query of %d bytes is read: %+v", len(query), a)
		}
		if len(a.code) > len(query) || len(a.state) > len(query) {
			t.Fatalf("%q grew: %+v", query, a)
		}
		if again := parseAnswer(query + "&code=other"); len(query) <= maxQuery-11 && a.code != "" && a.code != "other" && !again.ambiguous {
			t.Fatalf("%q: a second code goes unnoticed", query)
		}
	})
}
