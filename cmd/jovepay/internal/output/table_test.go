package output

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go"
)

func TestPlainRemovesTerminalControls(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a�[31mb c", Plain("a\x1b[31mb\nc"))
	assert.Equal(t, "���", Plain("\u009b\u202e\xff"))
	assert.Equal(t, "é 漢字", Plain("é 漢字"))
	text := &Text{}
	text.Line("%s %d %v", "\x1b", 3, jovepay.PaymentWaiting)
	text.Fields(Field{"a", "x\ny"}, Field{"longer", "\x07"}, Field{"none", ""})
	assert.Equal(t, "� 3 waiting\na       x y\nlonger  �\n", text.buf.String())
}

func TestTableOmitsEmptyColumns(t *testing.T) {
	t.Parallel()
	text := &Text{}
	text.Table([]string{"A", "B", "LONG"}, [][]string{{"1", "", "x"}, {"22", "", ""}})
	assert.Equal(t, "A   LONG\n1   x\n22\n", text.buf.String())
}
