package ipn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// signatureHeader carries the signature.
const signatureHeader = "X-Jovepay-Sig"

// maxResponse is how much of a response's body is read. It is ignored.
const maxResponse = 64 << 10

var errRemote = errors.New("the address is not on this machine, and calls to others are off")

// newHTTPClient returns a client that is fit to call addresses which others
// chose: no redirects, no proxy, no cookies, and unless remote, no connection
// that leaves the machine, whatever a name resolves to. Every notification has
// a separate connection, so that none fails because an old one was closed.
func newHTTPClient(remote bool) *http.Client {
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !remote && !to.Addr().IsLoopback() {
			return errRemote
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxResponse,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// checkURL rejects what cannot or may not be called, without looking any name
// up.
func checkURL(rawURL string, remote bool) error {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("the address is no URL of the web")
	}
	if remote || u.Hostname() == "localhost" {
		return nil
	}
	if host, err := netip.ParseAddr(u.Hostname()); err != nil || !host.IsLoopback() {
		return errRemote
	}
	return nil
}

// post sends the delivery and returns the status of the response, with an error
// unless it is a success; 0 if there was no response in time.
func (s *Sender) post(d *Delivery, timeout time.Duration) (status int, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, strings.NewReader(d.Body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "jovepaytest")
	r.Header.Set(signatureHeader, d.Signature)
	response, err := s.client.Do(r)
	if err != nil {
		return 0, s.cause(ctx, timeout, err)
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return response.StatusCode, fmt.Errorf("responded %s", response.Status)
	}
	_, _ = io.CopyN(io.Discard, response.Body, maxResponse) // it is ignored
	return response.StatusCode, nil
}

// cause says why there was no response, without method and URL, which the
// journal has, and without ports, which are others in every run.
func (s *Sender) cause(ctx context.Context, timeout time.Duration, err error) error {
	failure, ok := errors.AsType[*url.Error](err)
	network, broken := errors.AsType[*net.OpError](err)
	switch {
	case s.ctx.Err() != nil:
		return errClosed
	case ctx.Err() != nil:
		return fmt.Errorf("no response within %v", timeout)
	case broken:
		return network.Err
	case ok:
		return failure.Err
	default:
		return err
	}
}
