// Package setup reads settings from flags, the environment and files, and turns
// them into a client. Secrets come from the environment or from files only,
// because other users of the machine can read command lines.
package setup

import (
	"cmp"
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

// DefaultSandbox is the default address of "jovepay sandbox".
const DefaultSandbox = "http://127.0.0.1:4010"

// maxSecret is the limit for a file with a secret.
const maxSecret = 64 << 10

// Flags are the global flags. Those that were not given are empty.
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

// Settings configure a client. They hold secrets: do not print them.
type Settings struct {
	BaseURL  string
	APIKey   string
	Email    string
	Password string
	Sandbox  string // its address; empty if not used
}

// Sources are where settings come from.
type Sources struct {
	Flags Flags
	Env   func(string) string
	Hide  func(secret string) // called with every secret that is read
	// Account returns the settings and the IPN secret of a sandbox.
	Account func(ctx context.Context, address string) (Settings, string, error)
}

// Settings returns the settings of a client. With a sandbox, all of them come
// from it, so that the keys of a real account never reach it.
func (s Sources) Settings(ctx context.Context) (Settings, error) {
	address, err := s.SandboxAddress()
	if err != nil {
		return Settings{}, err
	}
	if address != "" {
		if s.Flags.BaseURL != "" || s.Flags.APIKeyFile != "" || s.Flags.Email != "" || s.Flags.PasswordFile != "" {
			return Settings{}, fail.Usage("--sandbox cannot be combined with --base-url, --api-key-file, --email or --password-file: it has its own address and account")
		}
		settings, _, err := s.Account(ctx, address)
		return settings, err
	}
	settings := Settings{
		BaseURL: cmp.Or(s.Flags.BaseURL, s.Env("JOVEPAY_BASE_URL")),
		Email:   cmp.Or(s.Flags.Email, s.Env("JOVEPAY_EMAIL")),
	}
	if settings.APIKey, err = s.secret("--api-key-file", s.Flags.APIKeyFile, "JOVEPAY_API_KEY"); err != nil {
		return Settings{}, err
	}
	if settings.Password, err = s.secret("--password-file", s.Flags.PasswordFile, "JOVEPAY_PASSWORD"); err != nil {
		return Settings{}, err
	}
	if (settings.Email == "") != (settings.Password == "") {
		return Settings{}, fail.Usage("a login needs both an email (--email, JOVEPAY_EMAIL) and a password (--password-file, JOVEPAY_PASSWORD)")
	}
	return settings, nil
}

// IPNSecret returns the secret that signs notifications.
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
		return "", fail.With(fail.BadUsage, "Set JOVEPAY_IPN_SECRET or --ipn-secret-file, or add --sandbox.", errors.New("the IPN secret is missing"))
	}
	return secret, err
}

// SecretFile reads a secret from the file that a flag names, without the line
// end. Errors do not repeat the name: it may be the secret itself, given in
// place of a file.
func (s Sources) SecretFile(flag, path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // the user's own choice
	if err != nil {
		return "", readError(flag, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	secret := strings.TrimRight(string(content), "\r\n")
	switch {
	case err != nil:
		return "", readError(flag, err)
	case len(content) > maxSecret:
		return "", fail.Usage("%s: want a file of up to %d KiB", flag, maxSecret>>10)
	case secret == "":
		return "", fail.Usage("%s: the file is empty", flag)
	}
	s.Hide(strings.TrimSpace(secret))
	return secret, nil
}

func readError(flag string, err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return fail.Usage("%s: cannot read the file: %w (want the name of a file, not the secret itself)", flag, err)
}

func (s Sources) secret(flag, path, variable string) (string, error) {
	if path != "" {
		return s.SecretFile(flag, path)
	}
	secret := s.Env(variable)
	s.Hide(strings.TrimSpace(secret))
	return secret, nil
}

// SandboxAddress returns the address of the sandbox to use, which must be on
// this machine, or "" for none.
func (s Sources) SandboxAddress() (string, error) {
	given := cmp.Or(s.Flags.Sandbox, s.Env("JOVEPAY_SANDBOX"))
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
		return "", fail.Usage("sandbox address: want one such as %s", DefaultSandbox)
	}
	if !Loopback(u.Hostname()) {
		return "", fail.Usage("sandbox address: want one on this machine, at localhost, 127.0.0.1 or [::1]")
	}
	return "http://" + u.Host, nil
}

// Loopback reports whether a host is a loopback address of this machine.
func Loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.Unmap().IsLoopback()
}

// LoopbackAddress reports whether a server that listens on host:port can be
// reached from this machine only.
func LoopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && Loopback(host)
}
