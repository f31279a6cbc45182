package main

import (
	"time"
	_ "time/tzdata" // an image from scratch and Windows have no time zones
)

// useZone makes a zone such as Asia/Shanghai that of the times in the log. Go
// has looked TZ up by itself while packages were initialized: then the zones
// that are built in were not there yet. A name that is not known changes
// nothing, as in Go.
func useZone(name string) {
	if name == "" {
		return
	}
	if zone, err := time.LoadLocation(name); err == nil {
		time.Local = zone
	}
}
