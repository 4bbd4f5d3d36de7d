package control

import (
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestNoConnection has a connection that is not made in time: no response is late if
// the client has no timeout for one.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	dial := roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	})
	client := New("http://192.0.2.1:4010", dial, time.Minute)
	for _, patient := range []*Client{client.Patient(), New("http://192.0.2.1:4010", dial, 0)} {
		_, err := patient.Call(t.Context(), http.MethodPost, "deliveries/wait", nil)
		require.ErrorContains(t, err, "no sandbox is running at http://192.0.2.1:4010")
	}
}
