package test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// console collects what a browser complains of, in all its tabs. What no page
// may cause fails the test: a policy that was violated, a script that threw.
type console struct {
	mu       sync.Mutex
	entries  []string
	expected []string // parts of complaints that a test means to cause
	visited  []string // addresses of documents, redirects included
}

func newConsole(t *testing.T) *console {
	c := new(console)
	t.Cleanup(func() {
		entries := c.all()
		slices.Sort(entries)
		for _, entry := range slices.Compact(entries) {
			if c.forbidden(entry) {
				t.Errorf("the browser says: %s", entry)
			}
		}
	})
	return c
}

func (c *console) forbidden(entry string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := func(part string) bool { return strings.Contains(entry, part) }
	return slices.ContainsFunc([]string{"exception", "security", "Content Security Policy", "Refused to"}, in) &&
		!slices.ContainsFunc(c.expected, in)
}

// expect names parts of complaints that are right here.
func (c *console) expect(parts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expected = append(c.expected, parts...)
}

// last returns the latest address that was visited and contains part.
func (c *console) last(part string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, address := range slices.Backward(c.visited) {
		if strings.Contains(address, part) {
			return address
		}
	}
	return ""
}

func (c *console) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.entries...)
}

// listen must be called before the tab's first action.
func (c *console) listen(ctx context.Context) {
	chromedp.ListenTarget(ctx, func(event any) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			c.entries = append(c.entries, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		case *runtime.EventExceptionThrown:
			c.entries = append(c.entries, "exception: "+e.ExceptionDetails.Error())
		case *audits.EventIssueAdded:
			if d := e.Issue.Details.ContentSecurityPolicyIssueDetails; d != nil {
				c.entries = append(c.entries, fmt.Sprintf("security issue: %s blocked %q", d.ViolatedDirective, d.BlockedURL))
			}
		case *network.EventRequestWillBeSent:
			if e.Type == network.ResourceTypeDocument {
				c.visited = append(c.visited, e.Request.URL+e.Request.URLFragment)
			}
		}
	})
}
