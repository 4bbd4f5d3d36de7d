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
	prefix       = "/sandbox/v1/"
	largestReply = 64 << 20 // a journal can be long
)

// Account is what a client of the sandbox needs to know. Its secrets open
// nothing but the sandbox.
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
// http://127.0.0.1:4010. Each call may take the time given with timeout; 0 is
// without end.
func New(address string, transport http.RoundTripper, timeout time.Duration) *Client {
	return &Client{address, &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Account asks for the sandbox's address and secrets.
func (c *Client) Account(ctx context.Context) (*Account, error) {
	body, err := c.Call(ctx, http.MethodGet, "account", nil)
	if told := (*fail.Error)(nil); errors.As(err, &told) && told.Code == fail.NotFound {
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
	return fmt.Errorf("what answers at %s is not a sandbox", c.address)
}

// Call makes a call with the path after /sandbox/v1/ and returns the answer.
// The body is nil or is sent as JSON.
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
		return nil, c.unanswered(ctx, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, largestReply+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the sandbox's answer: %w", err)
	case len(answer) > largestReply:
		return nil, errors.New("the sandbox's answer is too long")
	case res.StatusCode >= http.StatusMultipleChoices:
		return nil, refusal(res.StatusCode, answer)
	}
	return answer, nil
}

// unanswered is the error for a call without an answer. That there is no
// sandbox is likely only if neither the time nor the patience ran out.
func (c *Client) unanswered(ctx context.Context, err error) error {
	slow := net.Error(nil)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("asking the sandbox at %s: %w", c.address, err)
	case errors.As(err, &slow) && slow.Timeout():
		return fail.With(fail.Failed, "With --request-timeout it gets more time.",
			fmt.Errorf("the sandbox at %s does not answer within %v", c.address, c.http.Timeout))
	}
	return fail.With(fail.Failed, "Start one with \"jovepay sandbox\" in another shell, or say where it is: --sandbox=127.0.0.1:4010.",
		fmt.Errorf("no sandbox answers at %s: %w", c.address, err))
}

// refusal is the error for an answer that is not a success.
func refusal(status int, answer []byte) error {
	var told struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer, &told); err != nil || told.Message == "" {
		told.Message = http.StatusText(status)
	}
	code := fail.Failed
	switch status {
	case http.StatusNotFound:
		code = fail.NotFound
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		code = fail.BadUsage
	}
	return fail.With(code, "", fmt.Errorf("the sandbox answers %d: %s", status, told.Message))
}
