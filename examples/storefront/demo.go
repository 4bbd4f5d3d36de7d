package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox"
)

// demo runs the shop on the sandbox, which has a page to play the customer on. It
// discards the orders at the end.
func demo(ctx context.Context, s settings, out io.Writer) (err error) {
	// Confirmations take seconds, so that each step can be seen.
	server, err := sandbox.New(sandbox.WithServer(jovepaytest.WithAutoAdvance(3 * time.Second))) //nolint:contextcheck // it runs until Close
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	// Transfers of some coins cost too much for the cheap tickets.
	err = errors.Join(
		server.SetMinimum("btc", jovepay.MustAmount("0.0005")),
		server.SetMinimum("eth", jovepay.MustAmount("0.005")),
	)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "storefront")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s.database, s.url, s.every = filepath.Join(dir, "storefront.db"), "", 20*time.Second
	s.ipnSecret, s.log = server.IPNSecret, slog.New(slog.DiscardHandler)
	s.account = []jovepay.Option{
		jovepay.WithBaseURL(server.URL), jovepay.WithAPIKey(server.APIKey),
		jovepay.WithCredentials(server.Email, server.Password),
	}
	s.customer = func(id jovepay.ID) string { return server.URL + "/payment/?pid=" + string(id) }
	return serve(ctx, s, func(url string) {
		_, _ = fmt.Fprintf(out, "the shop is at %s, on an emulated JovePay: %s\n", url, server.URL)
	})
}
