package command

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/control"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
)

// sources returns where the settings come from.
func (c *cli) sources() setup.Sources {
	return setup.Sources{
		Flags: c.flags,
		Env:   c.env,
		Hide:  c.print.Vault.Hide,
		Account: func(ctx context.Context, address string) (setup.Settings, string, error) {
			sandbox, err := c.controlOf(address)
			if err != nil {
				return setup.Settings{}, "", err
			}
			account, err := sandbox.Account(ctx)
			if err != nil {
				return setup.Settings{}, "", err
			}
			for _, secret := range []string{account.APIKey, account.Password, account.IPNSecret} {
				c.print.Vault.Hide(secret)
			}
			return setup.Settings{
				BaseURL: address, APIKey: account.APIKey,
				Email: account.Email, Password: account.Password, Sandbox: address,
			}, account.IPNSecret, nil
		},
	}
}

// controlOf returns a client for the control API of the sandbox at an address.
func (c *cli) controlOf(address string) (*control.Client, error) {
	if c.flags.Timeout <= 0 {
		return nil, fail.Usage("--request-timeout: want a positive duration such as 30s, got %v", c.flags.Timeout)
	}
	return control.New(address, c.transport(), c.flags.Timeout), nil
}

// client returns a client, which may have no key, and the settings it was made
// from.
func (c *cli) client(ctx context.Context) (*jovepay.Client, setup.Settings, error) {
	settings, err := c.sources().Settings(ctx)
	if err != nil {
		return nil, settings, err
	}
	opts := settings.Options(c.flags, c.log())
	client, err := jovepay.NewClient(opts...)
	if err == nil {
		return client, settings, nil
	}
	hint := ""
	if _, other := jovepay.NewClient(append(opts, jovepay.WithInsecureHTTP())...); other == nil {
		hint = "If you trust the network in between, add --insecure-http."
	}
	return nil, settings, fail.With(fail.BadUsage, hint, err)
}

// account returns a client with an API key or a login.
func (c *cli) account(ctx context.Context) (*jovepay.Client, setup.Settings, error) {
	client, settings, err := c.client(ctx)
	if err == nil && settings.APIKey == "" && !settings.CanLogIn() {
		err = fail.With(fail.Unauthorized, setKeyHint+` See "jovepay help settings".`, errors.New("the API key is missing"))
	}
	return client, settings, err
}

const setKeyHint = "Set JOVEPAY_API_KEY or --api-key-file, or add --sandbox."

// log returns the logger for requests, or nil.
func (c *cli) log() *slog.Logger {
	switch {
	case !c.verbose:
		return nil
	case c.print.JSON:
		return slog.New(slog.NewJSONHandler(c.print.Log(), nil))
	}
	return slog.New(slog.NewTextHandler(c.print.Err, nil))
}

// transport returns the transport to servers other than JovePay's API.
func (c *cli) transport() http.RoundTripper {
	if log := c.log(); log != nil {
		return setup.LogRequests(http.DefaultTransport, log)
	}
	return http.DefaultTransport
}
