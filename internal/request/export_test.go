package request

import "net/url"

// Demands is DemandsAny for every way in which a server may read u's path.
func (p Paths) Demands(u *url.URL) bool { return p.DemandsAny(ReadPath(u)) }
