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
	var first, last *Request
	for i := range 2*maxRequests + 1 {
		last = j.open(r, nil, time.Time{}, false)
		if i == 0 {
			first = last
		}
	}
	got := j.copies()
	assert.Len(t, got, maxRequests+1)
	assert.Equal(t, last.ID, got[maxRequests].ID)
	j.answered(first, 200) // a slow answer to what is forgotten does no harm
	assert.Equal(t, got, j.copies())
}
