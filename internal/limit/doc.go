// Package limit limits how often something may happen: one thing ([One]), each
// of many things ([Keyed]), log lines ([Line], [Lines]), each network's share of a
// total ([Share]), and how much runs at once ([Places]). All are bounded in
// memory whatever visitors send, and their zero values are ready. It imports
// only the standard library, and knows nothing of what it limits.
package limit
