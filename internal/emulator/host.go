package emulator

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Local rejects requests that came to a loopback address, but under a name that
// is neither loopback's nor one of the further ones: the page of another site
// whose own name leads to this machine (DNS rebinding). A browser takes it for
// that site's server and keeps nothing from the page, so a well-known key is no
// protection. An address of a network is open to all of it, under any name.
func Local(next http.Handler, names []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		same := func(name string) bool { return strings.EqualFold(name, host) }
		if !viaLoopback(r) || isLoopback(host) || slices.ContainsFunc(names, same) {
			next.ServeHTTP(w, r)
			return
		}
		writeStatus(w, http.StatusForbidden, "FORBIDDEN",
			"this server accepts requests for localhost, 127.0.0.1, [::1] and the hosts of its option WithHost")
	})
}

// viaLoopback reports whether a request came to a loopback address, or to one
// that is not known.
func viaLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true
	}
	address, err := netip.ParseAddrPort(local.String())
	return err != nil || address.Addr().IsLoopback()
}

// hostname is a Host header without its port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return host
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}
