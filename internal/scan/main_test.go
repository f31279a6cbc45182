package scan

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	shopOrigin = "https://shop.example.com"
	testSecret = "SECRETSECRETSECRETSECRET22" // a browser's
)
