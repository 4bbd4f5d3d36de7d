package browser_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// patience bounds a test in one tab, and aWhile a step of it. They are long
	// because test machines are busy.
	patience, aWhile = 3 * time.Minute, 30 * time.Second

	phone, desk             = 360, 1280
	phoneHeight, deskHeight = 800, 900
)

// tab is a tab in its own browser window that records the problems of its pages.
type tab struct {
	ctx    context.Context
	script bool

	mu       sync.Mutex
	problems []string
}

// newTab opens a tab, with or without JavaScript. The test fails if a page has a
// problem.
func newTab(t *testing.T, script bool) *tab {
	t.Helper()
	needsBrowser(t)
	ctx, leave := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(leave)
	b := &tab{script: script}
	require.NoError(t, chromedp.Do(ctx, size(desk)))
	b.ctx, leave = context.WithTimeout(ctx, patience)
	t.Cleanup(leave)
	require.NoError(t, chromedp.Listen(b.ctx, b.record))
	call(t, b, network.Enable, network.EnableParams{})
	call(t, b, runtime.Enable, cdp.Empty{})
	call(t, b, log.Enable, cdp.Empty{})
	call(t, b, audits.Enable, cdp.Empty{})
	call(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
	t.Cleanup(func() { assert.Empty(t, b.takeProblems()) })
	return b
}

// takeProblems returns the problems since the last call.
func (b *tab) takeProblems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	problems := b.problems
	b.problems = nil
	return problems
}

// record records what no page may do.
func (b *tab) record(event any) {
	problem := ""
	switch event := event.(type) {
	case *log.EventEntryAdded:
		if event.Entry.Level == log.EntryLevelError || event.Entry.Level == log.EntryLevelWarning {
			problem = "log: " + event.Entry.Text + " " + event.Entry.URL
		}
	case *runtime.EventConsoleAPICalled:
		problem = "console: " + event.Type.String()
	case *runtime.EventExceptionThrown:
		problem = "exception: " + event.ExceptionDetails.Text
	case *audits.EventIssueAdded:
		if details := event.Issue.Details.ContentSecurityPolicyIssueDetails; details != nil {
			problem = "policy: " + details.ViolatedDirective
		}
	case *network.EventRequestWillBeSent:
		if to, err := url.Parse(event.Request.URL); err != nil || to.Scheme == "http" && to.Hostname() != "127.0.0.1" || to.Scheme == "https" {
			problem = "request: " + event.Request.URL
		}
	}
	if problem != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	}
}

// do runs actions in the tab, one after the other.
func (b *tab) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(b.ctx, steps...))
}

// ask returns the result of an action in the tab.
func ask[T any](t *testing.T, b *tab, action chromedp.Action[T]) T {
	t.Helper()
	value, err := chromedp.Run(b.ctx, action)
	require.NoError(t, err)
	return value
}

// call sends a DevTools command to the tab.
func call[P, R any](t *testing.T, b *tab, command cdp.Command[P, R], params P) R {
	t.Helper()
	result, err := chromedp.Call(b.ctx, command, params)
	require.NoError(t, err)
	return result
}

// eval returns the value of an expression on the page, even if JavaScript is
// disabled for the page.
func eval[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	return ask(t, b, chromedp.Evaluate[T](expression))
}

func size(width int64) chromedp.Action[chromedp.Void] {
	height := int64(deskHeight)
	if width == phone {
		height = phoneHeight
	}
	return chromedp.EmulateViewport(width, height)
}

// open goes to an address.
func (b *tab) open(t *testing.T, address string) {
	t.Helper()
	b.do(t, chromedp.Navigate(address))
}

// press clicks an element that leads to another page.
func (b *tab) press(t *testing.T, selector string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, aWhile)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
	require.NoError(t, err, selector)
}

// click clicks an element that stays on the page.
func (b *tab) click(t *testing.T, selector string) {
	t.Helper()
	b.do(t, chromedp.Click(chromedp.CSS(selector)))
}

// sees waits until an element is visible.
func (b *tab) sees(t *testing.T, selector string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, aWhile)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		require.NoError(t, err, "%s at %s: %s", selector, b.address(t), b.text(t, "body"))
	}
}

func (b *tab) address(t *testing.T) string {
	t.Helper()
	return ask(t, b, chromedp.Location())
}

func (b *tab) text(t *testing.T, selector string) string {
	t.Helper()
	return ask(t, b, chromedp.Text(chromedp.CSS(selector)))
}
