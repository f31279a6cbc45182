package page

import (
	"net/http"
	"strings"
	"testing"
)

// What the page for browsers outside WeChat costs, by the length of the address
// that the visitor chose.
func BenchmarkOpenInWeChat(b *testing.B) {
	const base = "https://shop.example.com/"
	for name, length := range map[string]int{"short": 40, "longest code": sturdyQR, "long": 1900} {
		b.Run(name, func(b *testing.B) {
			p := Page{Kind: OpenInWeChat, Site: "shop.example.com", URL: base + strings.Repeat("a", length-len(base))}
			b.ReportAllocs()
			for b.Loop() {
				ask(b, p, http.MethodGet)
			}
			b.ReportMetric(float64(ask(b, p, http.MethodGet).Body.Len()), "bytes")
		})
	}
}
