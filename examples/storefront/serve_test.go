package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pipeListener accepts one connection.
type pipeListener chan net.Conn

func (l pipeListener) Accept() (net.Conn, error) {
	if conn, ok := <-l; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (l pipeListener) Close() error { close(l); return nil }

func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// exchange sends a request on a connection and returns all bytes of the response.
func exchange(t *testing.T, handler http.Handler, sent string) string {
	t.Helper()
	listener := make(pipeListener, 1)
	ours, theirs := net.Pipe()
	listener <- theirs
	server := newServer(handler)
	go server.Serve(listener) //nolint:errcheck // returns ErrServerClosed
	_, err := io.WriteString(ours, sent)
	require.NoError(t, err)
	response, err := io.ReadAll(bufio.NewReader(ours))
	require.NoError(t, err)
	require.NoError(t, ours.Close())
	require.NoError(t, server.Close())
	return string(response)
}

func TestSlowBodyHoldsNoConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		exchange(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			assert.Error(t, err)
		}), "POST /ipn HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000\r\n\r\n{")
		assert.Equal(t, 15*time.Second, time.Since(begin))
	})
}

// Creating a payment can take longer than reading a request may.
func TestSlowResponseIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		response := exchange(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			select {
			case <-r.Context().Done():
				assert.NoError(t, context.Cause(r.Context()))
			case <-time.After(30 * time.Second):
			}
			_, err = io.WriteString(w, "there it is")
			assert.NoError(t, err)
		}), "POST /items/telescope HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\nConnection: close\r\n\r\na")
		assert.Contains(t, response, "there it is")
	})
}
