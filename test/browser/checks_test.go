package browser_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The checks of the other tests find the faults of a page that has them all.
func TestChecksFindFaults(t *testing.T) {
	t.Parallel()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Security-Policy", "style-src 'self'")
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>bad</title><link rel="icon" href="data:,">` +
				`<p style="color: red">inline</p><button></button><input type="radio"><a href="/">named</a>` +
				`<img alt="" src="https://elsewhere.example/picture.png"><script src="/bad.js"></script>`))
		case "/bad.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(`console.log("a word"); document.body.style.width = "2000px"; throw new Error("on purpose");`))
		}
	}))
	t.Cleanup(bad.Close)
	b := newTab(t, true)
	b.open(t, bad.URL)
	b.do(t, size(phone))
	assert.Greater(t, b.width(t), int64(phone))
	assert.ElementsMatch(t, []string{`"button"`, `"radio"`}, b.nameless(t))
	problems := strings.Join(b.takeProblems(), "\n")
	for _, want := range []string{"policy: style-src", "console: log", "exception: ", "request: https://elsewhere.example/picture.png", "ERR_NAME_NOT_RESOLVED"} {
		assert.Contains(t, problems, want)
	}
}
