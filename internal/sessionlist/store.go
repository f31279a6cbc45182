package sessionlist

import (
	"context"

	"github.com/caddy-wechat/gateway/session"
)

// Store is a session.Store that notes in List the sessions that it saves, loads
// and renews, and forgets those that it ends. All fields are required.
type Store struct {
	session.Store
	List *List
	// Withdrawn returns how many keys were withdrawn; see [List.Note].
	Withdrawn func() uint64
}

// Save implements session.Store.
func (st Store) Save(ctx context.Context, s *session.Session) (string, error) {
	keys := st.Withdrawn()
	value, err := st.Store.Save(ctx, s)
	if err == nil {
		st.List.Note(s, keys)
	}
	return value, err
}

// Load implements session.Store.
func (st Store) Load(ctx context.Context, value string, b session.Binding) (*session.Session, error) {
	keys := st.Withdrawn()
	s, err := st.Store.Load(ctx, value, b)
	if err == nil {
		st.List.Note(s, keys)
	}
	return s, err
}

// Renew implements session.Store.
func (st Store) Renew(ctx context.Context, s *session.Session) (string, error) {
	keys := st.Withdrawn()
	value, err := st.Store.Renew(ctx, s)
	if err == nil {
		st.List.Note(s, keys)
	}
	return value, err
}

// End implements session.Store.
func (st Store) End(ctx context.Context, s *session.Session) error {
	err := st.Store.End(ctx, s)
	if err == nil {
		st.List.Forget(s.ID)
	}
	return err
}

var _ session.Store = Store{}
