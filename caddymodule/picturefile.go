package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/caddy-wechat/gateway/internal/page"
)

var (
	errPictureFile  = errors.New("it is not a file")
	errPictureEmpty = errors.New("the file is empty")
)

// readPicture reads a file, and little more than may be in it.
func readPicture(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would block the start
		return nil, fmt.Errorf("%s: %w", name, errPictureFile)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && len(content) == 0 {
		err = fmt.Errorf("%s: %w", name, errPictureEmpty)
	}
	return content, err
}

// loadQR reads the picture of the account's QR code, none if none is
// configured.
func (o *Account) loadQR() (page.Code, error) {
	name, err := expand("qr", o.QR)
	if err != nil || name == "" {
		return page.Code{}, err
	}
	file, err := readPicture(name, page.MaxCode)
	if err != nil {
		return page.Code{}, fmt.Errorf("qr: %w", err)
	}
	code, err := page.NewCode(file)
	if err != nil {
		return page.Code{}, fmt.Errorf("qr: %s: %w", name, err)
	}
	return code, nil
}
