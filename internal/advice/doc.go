// Package advice holds one table: what an operator sees, and what to do about
// it, in Chinese and English. The log's field `fix`, `wechat doctor`,
// docs/troubleshooting.md and docs/troubleshooting.zh-CN.md take their sentences
// from it, so that all say the same.
//
// A row may belong to error codes of WeChat. The table explains codes and
// decides nothing: what the gateway does about a code is the remedy of
// internal/wechat.
//
// It imports the standard library only.
package advice
