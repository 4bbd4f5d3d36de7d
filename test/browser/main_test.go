package browser_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// chromium is the browser that all tests share. If it is nil, missing says why.
var (
	chromium context.Context
	missing  error
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	program, err := findChromium()
	if err != nil {
		missing = err
		return m.Run()
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
		chromedp.Flag("no-proxy-server", true),
	)
	if os.Getuid() == 0 { // a container; Chromium has no sandbox for root
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	browser, leave := chromedp.NewContext(allocator)
	defer leave()
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintf(os.Stderr, "browser: %s did not start: %v\n", program, err)
		return 1
	}
	// These tests mostly wait: for the browser, and for pages that reload after
	// seconds. A flag on the command line takes precedence.
	if err := flag.Set("test.parallel", "4"); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		return 1
	}
	chromium = browser //nolint:fatcontext // set once, before any test
	return m.Run()
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("Chromium not found; on Debian, run apt-get install chromium")
}

// needsBrowser skips the test if there is no browser, or fails it if one is
// required.
func needsBrowser(t *testing.T) {
	t.Helper()
	switch {
	case missing == nil:
	case os.Getenv("JOVEPAY_REQUIRE_BROWSER") == "1":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
}
