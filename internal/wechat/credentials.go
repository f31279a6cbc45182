package wechat

// Credentials are one account's app id and app secret.
type Credentials struct {
	AppID  string
	Secret Secret
}
