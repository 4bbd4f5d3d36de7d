package shop

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestDatabaseMayHaveAnyName(t *testing.T) {
	client, err := jovepay.NewClient(jovepay.WithAPIKey("some-key"), jovepay.WithCredentials("shop@example.com", "some-password"))
	require.NoError(t, err)
	for _, name := range []string{"plain.db", "what?.db", "a%20b#1&mode=memory.db", "a:b.db", "two words.db"} {
		dir := t.TempDir()
		t.Chdir(dir)
		// By a relative and an absolute path.
		s, err := Open(t.Context(), Settings{Database: name, Client: client})
		require.NoError(t, err)
		require.NoError(t, s.Close())
		s, err = Open(t.Context(), Settings{Database: filepath.Join(dir, name), Client: client})
		require.NoError(t, err)
		var mode string
		require.NoError(t, s.db.QueryRowContext(t.Context(), `PRAGMA journal_mode`).Scan(&mode))
		assert.Equal(t, "wal", mode, "the settings apply to %s", name)
		require.NoError(t, s.Close())
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, files, 1, name)
		assert.Equal(t, name, files[0].Name())
	}
}
