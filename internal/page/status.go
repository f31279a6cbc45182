package page

// HTTPStatus is the status that Write answers with.
func (p Page) HTTPStatus() int { return p.Kind.known().status(p.Status) }
