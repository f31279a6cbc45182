package form

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

const boundary = "----WebKitFormBoundaryAbCdEfGh01234567"

// parts writes a body as browsers do; each part is a header after "form-data; "
// and a content.
func parts(all ...[2]string) string {
	var b strings.Builder
	for _, part := range all {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; %s\r\n", boundary, part[0])
		if strings.Contains(part[0], "filename") {
			b.WriteString("Content-Type: application/octet-stream\r\n")
		}
		b.WriteString("\r\n" + part[1] + "\r\n")
	}
	return b.String() + "--" + boundary + "--\r\n"
}

const multipartType = multiparts + "; boundary=" + boundary

func text(name, value string) Field { return Field{Name: name, Value: value} }

func TestRead(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		kind, body string
		want       []Field
	}{
		"nothing":                {urlencoded, "", nil},
		"one":                    {urlencoded, "a=1", []Field{text("a", "1")}},
		"order and duplicates":   {urlencoded, "b=2&a=1&b=1&b=2", []Field{text("b", "2"), text("a", "1"), text("b", "1"), text("b", "2")}},
		"empty":                  {urlencoded, "a=&b&c=", []Field{text("a", ""), text("b", ""), text("c", "")}},
		"blanks and line ends":   {urlencoded, "t=+a+b%0D%0A%0D%0Ac+&x=%2B%26%3D%25", []Field{text("t", " a b\r\n\r\nc "), text("x", "+&=%")}},
		"equal signs":            {urlencoded, "a=b=c", []Field{text("a", "b=c")}},
		"UTF-8":                  {urlencoded + "; charset=UTF-8", "%E5%A7%93=%E6%98%8E", []Field{text("姓", "明")}},
		"GBK":                    {urlencoded, "n=%D6%D0%B9%FA&_charset_=GBK&m=%D6A%81%5C", []Field{text("n", "\xd6\xd0\xb9\xfa"), text("_charset_", "GBK"), text("m", "\xd6A\x81\\")}},
		"not in the charset":     {urlencoded, "n=%26%2322269%3B", []Field{text("n", "&#22269;")}},
		"semicolons":             {urlencoded, "a=1;b=2", []Field{text("a", "1;b=2")}},
		"a name in brackets":     {urlencoded, "user%5Bname%5D=x", []Field{text("user[name]", "x")}},
		"a password":             {urlencoded, "a=1&password=x&b=2", []Field{text("a", "1"), {Name: "password", Kind: Secret}, text("b", "2")}},
		"an empty password":      {urlencoded, "password=", []Field{text("password", "")}},
		"multipart":              {multipartType, parts([2]string{`name="a"`, "1\r\n2"}, [2]string{`name="a"`, ""}), []Field{text("a", "1\r\n2"), text("a", "")}},
		"no line end at the end": {multipartType, "--" + boundary + "--", nil},
		"multipart, no field":    {multipartType, "--" + boundary + "--\r\n", nil},
		"a file":                 {multipartType, parts([2]string{`name="a"`, "1"}, [2]string{`name="f"; filename="x.jpg"`, "\xff\xd8"}, [2]string{`name="b"`, "2"}), []Field{text("a", "1"), {Name: "f", Kind: File}, text("b", "2")}},
		"an empty file":          {multipartType, parts([2]string{`name="f"; filename="x.txt"`, ""}), []Field{{Name: "f", Kind: File}}},
		"no file chosen":         {multipartType, parts([2]string{`name="f"; filename=""`, ""}), []Field{{Name: "f", Kind: NoFile}}},
		"multipart password":     {multipartType, parts([2]string{`name="pwd"`, "x"}), []Field{{Name: "pwd", Kind: Secret}}},
		"multipart GBK":          {multipartType, parts([2]string{"name=\"\xd6\xd0\x81\\\"", "\xb9\xfa"}), []Field{text("\xd6\xd0\x81\\", "\xb9\xfa")}},
		"quotes in a name":       {multipartType, parts([2]string{`name="a%22b"`, `"`}), []Field{text("a%22b", `"`)}},
		"semicolons in a name":   {multipartType, parts([2]string{`name="a; filename=x"`, `1`}), []Field{text("a; filename=x", "1")}},
		"quoted-printable as is": {multipartType, strings.Replace(parts([2]string{`name="a"`, "=41"}), "\r\n\r\n", "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", 1), []Field{text("a", "=41")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Read(strings.NewReader(row.body), row.kind)
			if err != nil || !reflect.DeepEqual(got.Fields, row.want) || got.Multipart != strings.HasPrefix(row.kind, multiparts) {
				t.Errorf("read %q (%v), want %q", got.Fields, err, row.want)
			}
		})
	}
}

// Attack: a form that is too large, has too many fields or is not a form costs
// little, and nothing of it is kept.
func TestAttackOversizedAndBrokenForms(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("a=1&", 10000)
	manyParts := make([][2]string, 10000)
	for i := range manyParts {
		manyParts[i] = [2]string{`name="a"`, "1"}
	}
	whole := parts([2]string{`name="a"`, "1"}, [2]string{`name="b"`, "2"})
	for name, row := range map[string]struct {
		kind, body string
		want       error
	}{
		"10,000 fields":            {urlencoded, many, ErrTooManyFields},
		"10,000 parts":             {multipartType, parts(manyParts...), ErrTooManyFields},
		"a body of 1 MiB and more": {urlencoded, "a=" + strings.Repeat("x", MaxSize), ErrTooLarge},
		"a part of 1 MiB and more": {multipartType, parts([2]string{`name="a"`, strings.Repeat("x", MaxSize)}), ErrTooLarge},
		"many that are 1 MiB":      {multipartType, parts([2]string{`name="a"`, strings.Repeat("x", MaxSize/2)}, [2]string{`name="a"`, strings.Repeat("x", MaxSize/2)}), ErrTooLarge},
		"a header without end":     {multipartType, parts([2]string{`name="` + strings.Repeat("x", 2*maxPartHeader) + `"`, "1"}), ErrTooLarge},
		"half an escape":           {urlencoded, "a=%4", ErrBroken},
		"no escape":                {urlencoded, "a=%zz", ErrBroken},
		"no name":                  {urlencoded, "=1", ErrBroken},
		"cut in a part":            {multipartType, whole[:len(whole)/2], ErrBroken},
		"cut at the end":           {multipartType, strings.TrimSuffix(whole, "--\r\n"), ErrBroken},
		"cut after a boundary":     {multipartType, strings.TrimSuffix(whole, "--\r\n") + "\r\n", ErrBroken},
		"only a boundary":          {multipartType, "--" + boundary + "\r\n", ErrBroken},
		"no boundary in it":        {multipartType, "a=1&b=2", ErrBroken},
		"empty":                    {multipartType, "", ErrBroken},
		"a part without a name":    {multipartType, parts([2]string{`filename="x"`, "1"}), ErrBroken},
		"a part with half a name":  {multipartType, parts([2]string{`name="a`, "1"}), ErrBroken},
		"not form-data":            {multipartType, strings.Replace(whole, "form-data", "attachment", 1), ErrBroken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Read(strings.NewReader(row.body), row.kind)
			if !errors.Is(err, row.want) || got.Fields != nil {
				t.Errorf("%v with %d fields, want %v", err, len(got.Fields), row.want)
			}
		})
	}
}

// A body that fails is neither broken nor too large: its own error says what to
// answer.
func TestReadReturnsErrorsOfTheBody(t *testing.T) {
	t.Parallel()
	for kind, begin := range map[string]string{urlencoded: "a=1", multipartType: parts([2]string{`name="a"`, "1"})[:80]} {
		_, err := Read(io.MultiReader(strings.NewReader(begin), failing{}), kind)
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestLargestForm(t *testing.T) {
	t.Parallel()
	body := "a=" + strings.Repeat("x", MaxSize-2)
	if f, err := Read(strings.NewReader(body), urlencoded); err != nil || len(f.Fields) != 1 {
		t.Errorf("1 MiB: %v", err)
	}
	file := parts([2]string{`name="f"; filename="x"`, strings.Repeat("x", 3*MaxSize)}, [2]string{`name="a"`, strings.Repeat("x", MaxSize-2)})
	if f, err := Read(strings.NewReader(file), multipartType); err != nil || len(f.Fields) != 2 || f.Whole() {
		t.Errorf("1 MiB beside a file: %v", err)
	}
	if _, err := Read(strings.NewReader(strings.Repeat("a=1&", MaxFields)), urlencoded); err != nil {
		t.Errorf("%d fields: %v", MaxFields, err)
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{
		urlencoded: true, urlencoded + "; charset=GBK": true, "Application/X-WWW-Form-Urlencoded": true, multipartType: true,
		multiparts: false, "text/plain": false, "application/json": false, "": false, ";": false,
	} {
		if got := Readable(kind); got != want {
			t.Errorf("%q: %v", kind, got)
		}
	}
}

// Attack: a password or the number of a card waits in the browser's storage.
func TestAttackSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"password": true, "Password2": true, "user.password": true, "user[passwd]": true, "new_pwd": true, "loginPwd": true, "j_password": true,
		"mima": true, "密码": true, "新密码": true, "\xc3\xdc\xc2\xeb": true, "支付口令": true, "pass": true, "userPass": true, "pass_word": true, "txtPassWord": true,
		"cardNo": true, "card-number": true, "card_num": true, "ctl00$CreditCard": true, "bankCard": true, "cc-number": true, "cvv2": true, "cvc": true,
		"银行卡": true, "卡号": true, "\xbf\xa8\xba\xc5": true, "kahao": true, "pin": true, "PIN": true,
		"name": false, "passport": false, "compass": false, "passenger": false, "shipping": false, "cc": false, "business_card": false, "opinion": false,
		"spinach": false, "姓名": false, "discard": false, "": false, "\xd0\xd5\xc3\xfb": false,
	} {
		if got := IsSecret(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
	for _, body := range []string{"a=1&cardNumber=6222021234567890123", "pwd=6222021234567890123"} {
		f, err := Read(strings.NewReader(body), urlencoded)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := json.Marshal(f); err != nil || strings.Contains(string(text), "6222") || f.Whole() {
			t.Errorf("%s: kept as %s (%v)", body, text, err)
		}
	}
}

func TestMarshalJSON(t *testing.T) {
	t.Parallel()
	f, err := json.Marshal(Form{Multipart: true, Fields: []Field{text("\xd6", "\x80<"), {Name: "f", Kind: File}}})
	if want := `{"multipart":true,"fields":[["Ö","€\u003c",""],["f","","file"]]}`; err != nil || string(f) != want {
		t.Errorf("%s (%v), want %s", f, err, want)
	}
}

// Whatever comes: an error, or a form within the limits without a secret.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2", "a=%", "password=x", parts([2]string{`name="a"`, "1"}, [2]string{`name="f"; filename="x"`, "y"})} {
		f.Add(urlencoded, seed)
		f.Add(multipartType, seed)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		if !Readable(kind) {
			return
		}
		got, err := Read(strings.NewReader(body), kind)
		if err != nil {
			if got.Fields != nil {
				t.Fatalf("%v with fields", err)
			}
			return
		}
		if len(got.Fields) > MaxFields {
			t.Fatalf("%d fields", len(got.Fields))
		}
		for _, field := range got.Fields {
			if field.Name == "" || field.Kind != Text && field.Value != "" || field.Value != "" && IsSecret(field.Name) {
				t.Fatalf("kept %q", field)
			}
		}
	})
}
