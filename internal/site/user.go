package site

// User is what a page may know of its own visitor.
type User struct {
	ID       string `json:"id,omitempty"`
	OpenID   string `json:"openid,omitempty"`
	Account  string `json:"account"`
	Scope    string `json:"scope,omitempty"`
	Nickname string `json:"nickname,omitempty"`
	Avatar   string `json:"avatar,omitempty"`
	Snapshot bool   `json:"snapshot,omitempty"`
}

// NewUser returns what a page may know of an identity.
func NewUser(id *Identity) User {
	return User{
		ID:       id.Get(FieldUser),
		OpenID:   id.Get(FieldOpenID),
		Account:  id.Get(FieldAccount),
		Scope:    id.Get(FieldScope),
		Nickname: id.Get(FieldNickname),
		Avatar:   id.Get(FieldAvatar),
		Snapshot: id.Guest(),
	}
}
