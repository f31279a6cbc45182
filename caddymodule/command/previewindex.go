package command

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
)

const indexStyle = `:root{color-scheme:light dark}body{font:16px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;margin:32px auto;padding:0 20px;max-width:1100px}
h1{font-size:22px}h2{font-size:17px;margin:28px 0 8px}table{border-collapse:collapse}td{padding:3px 18px 3px 0;vertical-align:top}
td:first-child{font-family:ui-monospace,monospace;font-size:14px}.wrong{font-family:ui-monospace,monospace;white-space:pre-wrap}`

var indexPage = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>Pages · 页面预览</title>{{.Style}}</head>
<body>
<h1>All pages in all states · 全部页面的各种状态</h1>
<p>Change a file, then reload the page. 修改文件后，刷新页面即可看到效果。</p>
{{- range $i, $look := .Looks}}
<h2>{{$look.Name}}</h2>
{{- if $look.Err}}
<p class="wrong">{{$look.Err}}</p>
{{- else}}
{{- with $look.Missing}}
<p class="wrong">{{.}}</p>
{{- end}}
<table>
{{- range $.Samples}}
<tr><td>{{.Page.Kind}} / {{.State}}</td><td><a href="/{{$i}}/zh-CN/{{.Page.Kind}}/{{.State}}">中文</a></td><td><a href="/{{$i}}/en/{{.Page.Kind}}/{{.State}}">English</a></td></tr>
{{- end}}
</table>
{{- end}}
{{- end}}
</body>
</html>
`))

// index answers with a list of all pages.
func (p *preview) index(w http.ResponseWriter) {
	looks, err := p.load()
	if err != nil {
		problem(w, err)
		return
	}
	var body bytes.Buffer
	err = indexPage.Execute(&body, map[string]any{
		"Style": template.HTML("<style>" + indexStyle + "</style>"), //nolint:gosec // a constant
		"Looks": looks, "Samples": p.samples(),
	})
	if err != nil {
		problem(w, err)
		return
	}
	hash := sha256.Sum256([]byte(indexStyle))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	_, _ = w.Write(body.Bytes()) // the browser is gone: the error cannot be reported
}
