package wechat

// Account is an account as the operator has configured it.
type Account struct {
	Kind        AccountKind
	Name        string // 1 to 32 of A-Z a-z 0-9 - and _, unique among all accounts
	Credentials Credentials
}
