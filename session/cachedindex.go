package session

import "slices"

// cacheIndex holds the values of a CachedStore under a name that several may have.
type cacheIndex map[string][]cacheKey

// add notes a value. The name "" is none.
func (x cacheIndex) add(name string, k cacheKey) {
	if name != "" {
		x[name] = append(x[name], k)
	}
}

// remove takes one value out of those of a name.
func (x cacheIndex) remove(name string, k cacheKey) {
	rest := slices.DeleteFunc(x[name], func(other cacheKey) bool { return other == k })
	if len(rest) == 0 {
		delete(x, name)
		return
	}
	x[name] = rest
}
