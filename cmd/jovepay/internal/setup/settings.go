// Package setup turns flags, environment and files into settings, and settings
// into a client. Secrets come from the environment or from files only: what is
// on a command line, other users of the machine can read.
package setup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

// DefaultSandbox is where "jovepay sandbox" listens unless told otherwise.
const DefaultSandbox = "http://127.0.0.1:4010"

// largestSecret is far above any key, and far below what fills the memory.
const largestSecret = 64 << 10

// Flags holds the flags that every command has. Empty ones are not given.
type Flags struct {
	BaseURL       string
	APIKeyFile    string
	Email         string
	PasswordFile  string
	IPNSecretFile string
	Sandbox       string
	InsecureHTTP  bool
	Timeout       time.Duration // for each attempt
}

// Settings are what a command works with. They hold secrets: print none of it.
type Settings struct {
	BaseURL  string
	APIKey   string
	Email    string
	Password string
	Sandbox  string // its address, empty if it is not used
}

// Sources is where settings come from.
type Sources struct {
	Flags Flags
	Env   func(string) string
	Hide  func(secret string) // is told every secret that is read
	// Account asks a sandbox for its settings and its IPN secret.
	Account func(ctx context.Context, address string) (Settings, string, error)
}

// Settings returns what a client needs. With a sandbox everything comes from
// it, so that keys of a real account never reach it.
func (s Sources) Settings(ctx context.Context) (Settings, error) {
	address, err := s.SandboxAddress()
	if err != nil {
		return Settings{}, err
	}
	if address != "" {
		if s.Flags.BaseURL != "" || s.Flags.APIKeyFile != "" || s.Flags.Email != "" || s.Flags.PasswordFile != "" {
			return Settings{}, fail.Usage("--sandbox brings its own address and account: leave out --base-url, --api-key-file, --email and --password-file")
		}
		settings, _, err := s.Account(ctx, address)
		return settings, err
	}
	settings := Settings{
		BaseURL: or(s.Flags.BaseURL, s.Env("JOVEPAY_BASE_URL")),
		Email:   or(s.Flags.Email, s.Env("JOVEPAY_EMAIL")),
	}
	if settings.APIKey, err = s.secret("--api-key-file", s.Flags.APIKeyFile, "JOVEPAY_API_KEY"); err != nil {
		return Settings{}, err
	}
	if settings.Password, err = s.secret("--password-file", s.Flags.PasswordFile, "JOVEPAY_PASSWORD"); err != nil {
		return Settings{}, err
	}
	if (settings.Email == "") != (settings.Password == "") {
		return Settings{}, fail.Usage("to log in, both an e-mail (--email, JOVEPAY_EMAIL) and a password (--password-file, JOVEPAY_PASSWORD) are needed")
	}
	return settings, nil
}

// IPNSecret returns the secret that notifications are signed with.
func (s Sources) IPNSecret(ctx context.Context) (string, error) {
	address, err := s.SandboxAddress()
	if err != nil {
		return "", err
	}
	if address != "" && s.Flags.IPNSecretFile == "" {
		_, secret, err := s.Account(ctx, address)
		return secret, err
	}
	secret, err := s.secret("--ipn-secret-file", s.Flags.IPNSecretFile, "JOVEPAY_IPN_SECRET")
	if err == nil && strings.TrimSpace(secret) == "" {
		return "", fail.With(fail.WrongUse, "Set JOVEPAY_IPN_SECRET or --ipn-secret-file, or add --sandbox.", errors.New("there is no IPN secret"))
	}
	return secret, err
}

// SecretFile reads a secret from the file that a flag names, without the line
// end. The errors do not repeat the name: it may be the secret itself, put in
// the wrong place.
func (s Sources) SecretFile(flag, path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // the user's own choice
	if err != nil {
		return "", unreadable(flag, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(file, largestSecret+1))
	secret := strings.TrimRight(string(content), "\r\n")
	switch {
	case err != nil:
		return "", unreadable(flag, err)
	case len(content) > largestSecret:
		return "", fail.Usage("the file of %s is too long for a secret", flag)
	case secret == "":
		return "", fail.Usage("the file of %s is empty", flag)
	}
	s.Hide(strings.TrimSpace(secret))
	return secret, nil
}

func unreadable(flag string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return fail.Usage("the file of %s cannot be read: %w (the flag wants the name of a file, not the secret)", flag, err)
}

func (s Sources) secret(flag, path, variable string) (string, error) {
	if path != "" {
		return s.SecretFile(flag, path)
	}
	secret := s.Env(variable)
	s.Hide(strings.TrimSpace(secret))
	return secret, nil
}

// SandboxAddress returns the address of the sandbox to use, or nothing if none
// is asked for. It has to be on this machine.
func (s Sources) SandboxAddress() (string, error) {
	given := or(s.Flags.Sandbox, s.Env("JOVEPAY_SANDBOX"))
	switch strings.ToLower(given) {
	case "", "0", "false", "no", "off":
		return "", nil
	case "1", "true", "yes", "on":
		return DefaultSandbox, nil
	}
	if !strings.Contains(given, "://") {
		given = "http://" + given
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", fail.Usage("the sandbox's address: want something like %s", DefaultSandbox)
	}
	if !Loopback(u.Hostname()) {
		return "", fail.Usage("the sandbox has to be on this machine, at localhost, 127.0.0.1 or [::1]")
	}
	return "http://" + u.Host, nil
}

// Loopback reports whether a host is this machine.
func Loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.Unmap().IsLoopback()
}

// LoopbackAddress reports whether a server that listens on host:port is
// reached from this machine only.
func LoopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && Loopback(host)
}

func or(first, second string) string {
	if first != "" {
		return first
	}
	return second
}
