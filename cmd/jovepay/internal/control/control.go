// Package control talks to the control API of a running sandbox.
package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

const (
	prefix          = "/sandbox/v1/"
	largestResponse = 64 << 20 // a journal can be long
)

// Account is what a client of the sandbox needs. Its secrets work with the
// sandbox only.
type Account struct {
	BaseURL   string `json:"base_url"`
	APIKey    string `json:"api_key"`
	Email     string `json:"email"`
	Password  string `json:"password"`
	IPNSecret string `json:"ipn_secret"`
}

// Client calls one sandbox. Make it with [New].
type Client struct {
	address string
	http    *http.Client
}

// New returns a client for the sandbox at an address such as
// http://127.0.0.1:4010. The timeout is for each call; 0 is none.
func New(address string, transport http.RoundTripper, timeout time.Duration) *Client {
	return &Client{address, &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Patient returns a client for the same sandbox whose calls have no timeout.
func (c *Client) Patient() *Client {
	patient := *c.http
	patient.Timeout = 0
	return &Client{c.address, &patient}
}

// Account returns the sandbox's address and secrets.
func (c *Client) Account(ctx context.Context) (*Account, error) {
	body, err := c.Call(ctx, http.MethodGet, "account", nil)
	if failure, ok := errors.AsType[*fail.Error](err); ok && failure.Code == fail.NotFound {
		return nil, c.noSandbox()
	}
	if err != nil {
		return nil, err
	}
	account := &Account{}
	if err := json.Unmarshal(body, account); err != nil || account.APIKey == "" {
		return nil, c.noSandbox()
	}
	return account, nil
}

func (c *Client) noSandbox() error {
	return fmt.Errorf("the server at %s is not a sandbox", c.address)
}

// Call makes a call with the path after /sandbox/v1/ and returns the response's
// body. The request's body is nil or is sent as JSON.
func (c *Client) Call(ctx context.Context, method, path string, body any) (jsontext.Value, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.address+prefix+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	defer res.Body.Close()
	response, err := io.ReadAll(io.LimitReader(res.Body, largestResponse+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the sandbox's response: %w", err)
	case len(response) > largestResponse:
		return nil, errors.New("the sandbox's response is too long")
	case res.StatusCode >= http.StatusMultipleChoices:
		return nil, rejection(res.StatusCode, response)
	}
	return response, nil
}

// failed is the error for a call without a response. It says that there is no
// sandbox unless the call timed out or was canceled.
func (c *Client) failed(ctx context.Context, err error) error {
	slow, isNet := errors.AsType[net.Error](err)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("call the sandbox at %s: %w", c.address, err)
	case isNet && slow.Timeout() && c.http.Timeout > 0:
		return fail.With(fail.Failed, "Give it more time with --request-timeout.",
			fmt.Errorf("the sandbox at %s did not respond within %v", c.address, c.http.Timeout))
	}
	return fail.With(fail.Failed, "Start one with \"jovepay sandbox\" in another shell, or give its address: --sandbox=127.0.0.1:4010.",
		fmt.Errorf("no sandbox is running at %s: %w", c.address, err))
}

// rejection is the error for an unsuccessful response.
func rejection(status int, response []byte) error {
	var body struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(response, &body); err != nil || body.Message == "" {
		body.Message = http.StatusText(status)
	}
	code := fail.Failed
	switch status {
	case http.StatusNotFound:
		code = fail.NotFound
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		code = fail.BadUsage
	}
	return fail.With(code, "", fmt.Errorf("the sandbox responded %d: %s", status, body.Message))
}
