package ipn

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const shopURL = "http://127.0.0.1/ipn"

// shop takes the place of the network. It responds with the statuses, the last
// of them forever; 0 is no response at all. Its zero value responds 200.
type shop struct {
	statuses []int
	took     time.Duration // to respond

	mu       sync.Mutex
	got      []string // bodies
	at       []time.Time
	open     int
	together int // the most requests at the same time
}

// RoundTrip implements [http.RoundTripper].
func (s *shop) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.got = append(s.got, string(body))
	s.at = append(s.at, time.Now())
	s.open++
	s.together = max(s.together, s.open)
	status := http.StatusOK
	if n := len(s.statuses); n > 0 {
		status = s.statuses[min(len(s.got), n)-1]
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.open--
		s.mu.Unlock()
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(s.took):
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status),
		Body: io.NopCloser(strings.NewReader("thanks")), Request: r,
	}, nil
}

// bodies are those that came, in order.
func (s *shop) bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

// newSender returns a sender to the shop, closed when the test ends. Where the
// configuration is zero it is: one retry a minute later, ten seconds for a
// response.
func newSender(t *testing.T, to *shop, cfg Config) *Sender {
	t.Helper()
	cfg.Secret = "secret"
	cfg.Now = time.Now
	if cfg.Repeats == 0 {
		cfg.Repeats, cfg.Interval = 1, time.Minute
	}
	cfg.Timeout = 10 * time.Second
	s := NewSender(t.Context(), cfg)
	s.client.Transport = to
	t.Cleanup(s.Close)
	return s
}

// say is a notification whose body is {"n":n}.
func say(payment int64, n int) Notification {
	return Notification{
		PaymentID: payment, Status: "status-" + strconv.Itoa(n), URL: shopURL, At: time.Now(),
		Body: func(bool) ([]byte, error) { return []byte(`{"n":` + strconv.Itoa(n) + `}`), nil },
	}
}

// saying is the bodies of such notifications.
func saying(numbers ...int) []string {
	bodies := make([]string, len(numbers))
	for i, n := range numbers {
		bodies[i] = `{"n":` + strconv.Itoa(n) + `}`
	}
	return bodies
}

func behave(t *testing.T, s *Sender, b Behavior) {
	t.Helper()
	require.NoError(t, s.SetBehavior(b))
}

// outcomes are those of the journal, in its order.
func outcomes(s *Sender) []string {
	var list []string
	for _, d := range s.Deliveries() {
		list = append(list, d.Outcome)
	}
	return list
}

// pass lets the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }
