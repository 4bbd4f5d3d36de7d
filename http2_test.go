package jovepay_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// HTTP/2 has its own rules for rejecting and repeating requests.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	var paid ledger
	var second, other, conns atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			second.Add(1)
		} else {
			other.Add(1)
		}
		n := rand.IntN(10)
		if n == 0 {
			panic(http.ErrAbortHandler) // before any effect: the stream is reset
		}
		if paid.process(r) != nil {
			panic(http.ErrAbortHandler)
		}
		switch n {
		case 1:
			panic(http.ErrAbortHandler) // after the effect
		case 2:
			w.Header().Set("Connection", "close") // ends the connection with GOAWAY
		case 3:
			_, _ = io.WriteString(w, `{"payment_id":1`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler) // in the middle of the answer
		}
		_, _ = io.WriteString(w, `{"payment_id":1}`)
	}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	client := newClient(t, server.URL, jovepay.WithHTTPClient(server.Client()), jovepay.WithTimeout(20*time.Second))
	outcomes := createMany(t, client, 600, func() {}, unchanged)
	server.Client().CloseIdleConnections()
	server.Close()
	sum := paid.audit(t, outcomes)
	t.Logf("%+v, %d requests of HTTP/2 over %d connections", sum, second.Load(), conns.Load())
	assert.Positive(t, sum.created)
	assert.Positive(t, sum.unknown)
	assert.Positive(t, second.Load())
	assert.Zero(t, other.Load(), "the test is about HTTP/2")
	assert.Greater(t, conns.Load(), int32(1), "no connection was ended with GOAWAY")
}

func TestHTTP2WithoutAnAnswer(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-r.Context().Done()
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	client := newClient(t, server.URL, jovepay.WithHTTPClient(server.Client()), jovepay.WithTimeout(500*time.Millisecond))
	_, err := client.Payments.Create(t.Context(), goods("1"))
	assertIs(t, err, jovepay.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.EqualValues(t, 1, asked.Load())

	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			_, err := client.Payments.Create(t.Context(), goods("1"))
			assert.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
		})
	}
	for asked.Load() < 21 {
		<-time.After(time.Millisecond)
	}
	server.CloseClientConnections()
	calls.Wait()
	assert.EqualValues(t, 21, asked.Load(), "none was sent twice")
}

// The frames of HTTP/2 that a server of a few lines needs (RFC 9113, section 6).
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagEndStream, flagAck, flagEndHeaders = 1, 1, 4
)

// resetCodes are the error codes of HTTP/2 (RFC 9113, section 7).
var resetCodes = []string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
	"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

func resetCode(name string) uint32 { return uint32(slices.Index(resetCodes, name)) }

// http2Fault is what a server does to a request instead of responding. It
// may lie: the request was processed, whatever the frame says.
type http2Fault struct {
	early  bool   // as soon as the header is there, instead of when the request is complete
	goAway bool   // end the connection with GOAWAY, instead of the stream with RST_STREAM
	behind uint32 // GOAWAY: by how much its last stream is below this one
	code   uint32
}

// rawHTTP2 is a server for HTTP/2 without TLS that counts the requests it gets
// and strikes at all after the first healthy ones, or at one only.
type rawHTTP2 struct {
	healthy  int32
	once     bool
	fault    http2Fault
	requests atomic.Int32
}

// start serves connections until the test ends, and returns the address and a
// transport for it.
func (s *rawHTTP2) start(t *testing.T) (string, *http.Transport) {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	address := listenAll(t, s.serve)
	t.Cleanup(transport.CloseIdleConnections)
	return "http://" + address, transport
}

func (s *rawHTTP2) serve(conn *net.TCPConn) {
	in := bufio.NewReader(conn)
	if _, err := in.Discard(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		return
	}
	sendFrame(conn, frameSettings, 0, 0, nil)
	struck := map[uint32]bool{}
	for {
		var head [9]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		payload := make([]byte, size)
		if _, err := io.ReadFull(in, payload); err != nil {
			return
		}
		switch kind {
		case frameSettings:
			if flags&flagAck == 0 {
				sendFrame(conn, frameSettings, flagAck, 0, nil)
			}
		case framePing:
			if flags&flagAck == 0 {
				sendFrame(conn, framePing, flagAck, 0, payload)
			}
		case frameHeaders:
			n := s.requests.Add(1)
			struck[stream] = n > s.healthy && (!s.once || n == s.healthy+1)
		}
		ended := flags&flagEndStream != 0
		switch {
		case kind != frameHeaders && kind != frameData || !struck[stream] && !ended:
		case !struck[stream]:
			const ok = `{"payment_id":1,"id":1,"message":"OK","token":"e30.e30.c2ln"}`
			sendFrame(conn, frameHeaders, flagEndHeaders, stream, []byte{0x88}) // :status 200, the 8th of the static table
			sendFrame(conn, frameData, flagEndStream, stream, []byte(ok))
		case kind == frameHeaders && !s.fault.early && !ended || kind == frameData && s.fault.early || kind == frameData && !ended:
		case s.fault.goAway:
			last := binary.BigEndian.AppendUint32(nil, stream-min(stream, s.fault.behind))
			sendFrame(conn, frameGoAway, 0, 0, binary.BigEndian.AppendUint32(last, s.fault.code))
			_ = conn.CloseWrite()
			_, _ = io.Copy(io.Discard, in) // or a reset could overtake the frame
			return
		default:
			sendFrame(conn, frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, s.fault.code))
		}
	}
}

func sendFrame(conn net.Conn, kind, flags byte, stream uint32, payload []byte) {
	head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	head = binary.BigEndian.AppendUint32(head, stream)
	_, _ = conn.Write(append(head, payload...))
}

// A server may process a request and then say that it did not.
func TestCreatesAreSentOnceOverHTTP2(t *testing.T) {
	t.Parallel()
	faults := map[string]http2Fault{}
	for code, name := range resetCodes {
		faults["RST_STREAM "+name+" after the header"] = http2Fault{early: true, code: uint32(code)}
		faults["RST_STREAM "+name+" after the body"] = http2Fault{code: uint32(code)}
	}
	for _, name := range []string{"NO_ERROR", "INTERNAL_ERROR", "REFUSED_STREAM"} {
		for _, behind := range []uint32{0, 2} {
			for _, early := range []bool{true, false} {
				faults[fmt.Sprintf("GOAWAY %s, %d behind, early=%t", name, behind, early)] = http2Fault{goAway: true, early: early, behind: behind, code: resetCode(name)}
			}
		}
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for call := range creating(newClient(t, jovepay.DefaultBaseURL)) {
				for healthy := range int32(2) {
					server := &rawHTTP2{healthy: healthy, fault: fault}
					address, transport := server.start(t)
					client := newClient(t, address, jovepay.WithHTTPClient(&http.Client{Transport: transport}))
					if healthy > 0 {
						_, err := client.Status(t.Context())
						require.NoError(t, err)
					}
					err := creating(client)[call](t.Context())
					assertIs(t, err, jovepay.ErrOutcomeUnknown)
					assert.EqualValues(t, 1, server.requests.Load()-healthy, "%s: %v", call, err)
				}
			}
		})
	}
}
