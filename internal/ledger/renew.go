package ledger

// renew works out what an answer about somebody who was not there does to the person of its openid, nil for nobody.
// ErrNotFound: nobody may hear it any more.
func (s *Sighting) renew(p *Person) (c change, err error) {
	if p == nil {
		return change{}, ErrNotFound
	}
	i := p.account(s.AppID, s.OpenID)
	if i < 0 || p.Accounts[i].ConsentAt.IsZero() {
		return change{}, ErrNotFound
	}
	c = change{person: p.clone()}
	q := &c.person
	c.news = q.take(s.Profile, s.At)
	if s.Profile != nil {
		q.ProfileAt, c.dirty = later(q.ProfileAt, s.At), true
	}
	c.dirty = q.Accounts[i].takeSealed(s) || c.dirty
	if c.news {
		q.Version++
	}
	return c, nil
}
