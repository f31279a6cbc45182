// Package limit says how often something may happen: one thing ([One]), each of many
// ([Keyed]), lines of the log ([Lines]), and what networks may have of a whole
// ([Share]). All are bounded in memory whatever visitors send, and ready as zero
// values. It imports the standard library alone, and knows nothing of what it limits.
package limit
