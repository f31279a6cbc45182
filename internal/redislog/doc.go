// Package redislog writes go-redis' own messages to a log ([Logger]), so that
// they are found where all other lines are, and not on stderr. Messages about
// failing connections are warnings, within a limit: a Redis that is down would
// otherwise have a line for each attempt to connect. All others are for
// debugging.
//
// It imports internal/limit, and not go-redis.
package redislog
