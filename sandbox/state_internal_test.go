package sandbox

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// A full disk is one error in one line, and nothing of the save is kept.
func TestStateFull(t *testing.T) {
	t.Parallel()
	s, err := OpenState(filepath.Join(t.TempDir(), "state.db"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	small := jovepaytest.StateRecord{Kind: "payment", ID: "1", Data: []byte(`{"id":1}`)}
	large := jovepaytest.StateRecord{Kind: "payment", ID: "2", Data: []byte(strings.Repeat("x", 1<<20))}
	_, err = s.db.ExecContext(t.Context(), "PRAGMA max_page_count = 16")
	require.NoError(t, err)
	for range 2 {
		err = s.Save(t.Context(), []jovepaytest.StateRecord{small, large})
		require.ErrorContains(t, err, "cannot be written: ")
		require.ErrorContains(t, err, "full")
		assert.NotContains(t, err.Error(), "\n")
		assert.NotContains(t, err.Error(), "rollback")
	}
	records, err := s.Load(t.Context())
	require.NoError(t, err)
	assert.Empty(t, records)
	require.NoError(t, s.Save(t.Context(), []jovepaytest.StateRecord{small}), "what fits is saved")
}
