package gateway

import _ "embed"

// Example is Caddyfile.example: the configuration that documents every option,
// and the one that `wechat demo` runs.
//
//go:embed Caddyfile.example
var Example []byte
