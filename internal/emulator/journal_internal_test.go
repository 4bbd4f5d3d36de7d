package emulator

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestJournalForgetsTheOldest(t *testing.T) {
	t.Parallel()
	j := journal{}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/status", nil)
	var first, last *Exchange
	for i := range 2*maxEntries + 1 {
		last = j.begin(r, nil, nil, time.Time{})
		j.end()
		if i == 0 {
			first = last
		}
	}
	got := j.requestCopies()
	assert.Len(t, got, maxEntries+1)
	assert.Equal(t, last.ID, got[maxEntries].ID)
	j.respond(first, &response{status: 200}) // a slow response to what is forgotten does no harm
	assert.Equal(t, got, j.requestCopies())
}

// A shop at port 40101 is not the server at port 4010.
func TestOnlyTheOwnAddressIsHidden(t *testing.T) {
	t.Parallel()
	s := scrubber{address: "http://127.0.0.1:4010"}
	for text, want := range map[string]string{
		"":                            "",
		"nothing":                     "nothing",
		"http://127.0.0.1:4010":       OwnAddress,
		"http://127.0.0.1:4010/x?a=1": OwnAddress + "/x?a=1",
		"http://127.0.0.1:40101/ipn":  "http://127.0.0.1:40101/ipn",
		`"http://127.0.0.1:40101/ipn","http://127.0.0.1:4010","http://127.0.0.1:4010/"`: `"http://127.0.0.1:40101/ipn","` + OwnAddress + `","` + OwnAddress + `/"`,
	} {
		assert.Equal(t, want, s.all(text))
	}
	assert.Equal(t, "http://127.0.0.1:4010", scrubber{}.all("http://127.0.0.1:4010"), "not its own address")
}
