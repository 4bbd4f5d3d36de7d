// Package browser tests the storefront and the sandbox's payment page in
// Chromium, with clicks, as customers use them. It contains only tests:
//
//	make browser
//
// They require Chromium (on Debian, apt-get install chromium) and are skipped
// without it, unless JOVEPAY_REQUIRE_BROWSER is 1. JOVEPAY_SCREENSHOTS names a
// folder for screenshots of the pages, at the widths of a phone and of a desktop.
//
// Nothing leaves this machine: the browser can reach only the loopback address,
// and a page that requests another address fails its test.
package browser
