package output

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJSONEscapesTerminalControls(t *testing.T) {
	t.Parallel()
	const text = "a\x1b\u009b\u202e\x7f\u2028\U000e0001é 漢字 😀"
	const want = `"a\u001b\u009b\u202e\u007f\u2028\udb40\udc01é 漢字 😀"`
	var out, notes bytes.Buffer
	p := &Printer{JSON: true, Out: &out, Err: &notes}
	require.NoError(t, p.Show(map[string]string{"a": text}, nil))
	require.NoError(t, p.Document(jsontext.Value(out.String())))
	assert.Equal(t, strings.Repeat(`{"a":`+want+"}\n", 2), out.String())
	p.Note("a", text, "")
	assert.Equal(t, out.String(), strings.Repeat(notes.String(), 2))
	notes.Reset()
	slog.New(slog.NewJSONHandler(p.Log(), nil)).Info("x", "a", text)
	assert.Contains(t, notes.String(), `"a":`+want)
	var got map[string]string
	require.NoError(t, json.Unmarshal(notes.Bytes(), &got))
	assert.Equal(t, text, got["a"], "the meaning is the same")
	_, err := (&Printer{Err: broken{}}).Log().Write([]byte("x"))
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
