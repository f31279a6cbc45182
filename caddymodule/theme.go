package caddymodule

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/caddy-wechat/gateway/internal/page"
)

// theme returns the look of a site's pages: the operator's files in pages, and
// the site's own brand, else that of all sites. Nil is the built-in look.
func (h *Handler) theme(ofAll *Brand) (*page.Theme, error) {
	folder, err := expand("pages", h.Pages)
	if err != nil {
		return nil, err
	}
	var theme *page.Theme
	if folder != "" {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("pages: the folder %s does not exist", folder)
		}
		if theme, err = page.LoadTheme(os.DirFS(folder)); err != nil {
			return nil, fmt.Errorf("pages: the folder %s: %w", folder, err)
		}
	}
	brand := h.Brand
	if brand == nil {
		brand = ofAll
	}
	if brand == nil {
		return theme, nil
	}
	loaded, err := brand.load()
	if err != nil {
		return nil, err
	}
	return theme.WithBrand(loaded)
}
