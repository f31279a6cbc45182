// Package test proves the whole gateway from outside: real Caddy in this
// process, the simulated WeChat, real Tomcat with JSPs, real nginx in front,
// real Chromium with a WeChat User-Agent, a mini program in Node. It holds
// tests only, and may import every room.
//
// One Caddy runs in a process at a time, so these tests are serial. What needs
// a program that is not there fails with the sentence that says how to install
// it.
//
// The folder sdk is a module of its own: other people's WeChat SDKs, in Go and
// Node, through the simulator and the gateway.
package test
