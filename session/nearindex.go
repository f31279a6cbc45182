package session

import "slices"

// nearIndex holds the values of a Near under a name that several may have.
type nearIndex map[string][]nearKey

// add notes a value. The name "" is none.
func (x nearIndex) add(name string, k nearKey) {
	if name != "" {
		x[name] = append(x[name], k)
	}
}

// remove takes one value out of those of a name.
func (x nearIndex) remove(name string, k nearKey) {
	rest := slices.DeleteFunc(x[name], func(other nearKey) bool { return other == k })
	if len(rest) == 0 {
		delete(x, name)
		return
	}
	x[name] = rest
}
