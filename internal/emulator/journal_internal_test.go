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
	j.answered(first, &answer{status: 200}) // a slow answer to what is forgotten does no harm
	assert.Equal(t, got, j.requestCopies())
}
