package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// maxConfig bounds a configuration, in bytes.
const maxConfig = 4 << 20

// readConfig returns a configuration file as JSON. Without an adapter, a file
// that does not end with .json is a Caddyfile.
func readConfig(path, adapterName string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxConfig {
		return nil, fmt.Errorf("larger than %d bytes", maxConfig)
	}
	if adapterName == "" && filepath.Ext(path) != ".json" {
		adapterName = "caddyfile"
	}
	if adapterName == "" {
		return text, nil
	}
	adapter := caddyconfig.GetAdapter(adapterName)
	if adapter == nil {
		return nil, fmt.Errorf("there is no adapter %q", adapterName)
	}
	adapted, _, err := adapter.Adapt(text, map[string]any{"filename": path})
	return adapted, err
}
