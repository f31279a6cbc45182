package session

import "slices"

// cacheIndex lists the values of a CachedStore by a name that several values
// may share.
type cacheIndex map[string][]cacheKey

// add adds a value. It ignores the name "".
func (x cacheIndex) add(name string, k cacheKey) {
	if name != "" {
		x[name] = append(x[name], k)
	}
}

// remove removes one value of a name.
func (x cacheIndex) remove(name string, k cacheKey) {
	rest := slices.DeleteFunc(x[name], func(other cacheKey) bool { return other == k })
	if len(rest) == 0 {
		delete(x, name)
		return
	}
	x[name] = rest
}
