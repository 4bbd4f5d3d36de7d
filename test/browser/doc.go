// Package browser holds the tests that drive the storefront and the sandbox's
// payment page in Chromium, by clicks, as customers do. It has no code of its
// own:
//
//	make browser
//
// They need Chromium: apt-get install chromium on Debian. Without it they are
// skipped, unless JOVEPAY_REQUIRE_BROWSER is 1. JOVEPAY_SCREENSHOTS names a
// folder in which to put pictures of the pages, at the width of a phone and of
// a desk.
//
// Nothing leaves this machine: the browser can reach its loopback address only,
// and a page that tries another one fails its test.
package browser
