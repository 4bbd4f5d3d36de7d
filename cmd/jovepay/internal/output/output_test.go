package output

import (
	"bytes"
	"image"
	"image/color"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// photograph is what a camera sees of a code on a terminal, each module some
// pixels wide.
func photograph(t *testing.T, code string) image.Image {
	t.Helper()
	const pixels = 4
	lines := strings.Split(strings.TrimSuffix(code, "\n"), "\n")
	width := len([]rune(lines[0]))
	picture := image.NewGray(image.Rect(0, 0, width*pixels, len(lines)*2*pixels))
	for y, line := range lines {
		require.Len(t, []rune(line), width, "all lines are equally wide")
		for x, r := range []rune(line) {
			for half, blocks := range []string{"█▀", "█▄"} {
				if !strings.ContainsRune(blocks, r) {
					continue
				}
				for i := range pixels * pixels {
					picture.SetGray(x*pixels+i%pixels, (2*y+half)*pixels+i/pixels, color.Gray{Y: 0xff})
				}
			}
		}
	}
	return picture
}

func TestQRCanBeRead(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"1", "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh",
		"GFVKRNPMJJ6VHCSWQT6NCC2YNATHEVVPOME37KCDQHKZ3LYBV6VB3UWU",
		"https://shop.example/payment/?iid=" + strings.Repeat("4", 200),
	} {
		for _, color := range []bool{false, true} {
			code, width, err := QR(content, color)
			require.NoError(t, err)
			assert.Equal(t, color, strings.Contains(code, "\x1b["))
			plain := strings.NewReplacer("\x1b[97;40m", "", "\x1b[0m", "").Replace(code)
			assert.Len(t, []rune(strings.Split(plain, "\n")[0]), width)
			bitmap, err := gozxing.NewBinaryBitmapFromImage(photograph(t, plain))
			require.NoError(t, err)
			read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
			require.NoError(t, err)
			assert.Equal(t, content, read.GetText())
		}
	}
	_, _, err := QR(strings.Repeat("x", 3000), false)
	assert.Error(t, err)
	text := &Text{}
	text.Code(strings.Repeat("x", 3000), 80, false)
	assert.Equal(t, "\n(It is too long for a QR code.)\n", text.buf.String())
}

func TestPlainCannotSteerATerminal(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a�[31mb c", Plain("a\x1b[31mb\nc"))
	assert.Equal(t, "���", Plain("\u009b\u202e\xff"))
	assert.Equal(t, "é 漢字", Plain("é 漢字"))
	text := &Text{}
	text.Line("%s %d %v", "\x1b", 3, jovepay.PaymentWaiting)
	text.Fields(Field{"a", "x\ny"}, Field{"longer", "\x07"}, Field{"none", ""})
	assert.Equal(t, "� 3 waiting\na       x y\nlonger  �\n", text.buf.String())
}

func TestJSONCannotSteerATerminal(t *testing.T) {
	t.Parallel()
	const told = "a\x1b\u009b\u202e\x7f\u2028\U000e0001é 漢字 😀"
	const want = `"a\u001b\u009b\u202e\u007f\u2028\udb40\udc01é 漢字 😀"`
	var out, notes bytes.Buffer
	p := &Printer{JSON: true, Out: &out, Err: &notes}
	require.NoError(t, p.Show(map[string]string{"a": told}, nil))
	require.NoError(t, p.Document(jsontext.Value(out.String())))
	assert.Equal(t, strings.Repeat(`{"a":`+want+"}\n", 2), out.String())
	p.Note("a", told, "")
	assert.Equal(t, out.String(), strings.Repeat(notes.String(), 2))
	notes.Reset()
	slog.New(slog.NewJSONHandler(p.Log(), nil)).Info("x", "a", told)
	assert.Contains(t, notes.String(), `"a":`+want)
	var got map[string]string
	require.NoError(t, json.Unmarshal(notes.Bytes(), &got))
	assert.Equal(t, told, got["a"], "it says what it said")
	_, err := (&Printer{Err: broken{}}).Log().Write([]byte("x"))
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestTableLeavesOutEmptyColumns(t *testing.T) {
	t.Parallel()
	text := &Text{}
	text.Table([]string{"A", "B", "LONG"}, [][]string{{"1", "", "x"}, {"22", "", ""}})
	assert.Equal(t, "A   LONG\n1   x\n22\n", text.buf.String())
}

func TestVaultKeepsSecrets(t *testing.T) {
	t.Parallel()
	v := &Vault{}
	for _, secret := range []string{"", "short", `back\slash"quote`} {
		v.Hide(secret)
		v.Hide(secret)
	}
	var out bytes.Buffer
	w := v.Writer(&out)
	n, err := io.WriteString(w, `plain back\slash"quote json back\\slash\"quote short`)
	require.NoError(t, err)
	assert.Equal(t, 52, n)
	assert.Equal(t, "plain [redacted] json [redacted] short", out.String())
	for _, secret := range []string{"secretsecret", "secretsecret-and-more", "secret\u202esecret"} {
		v.Hide(secret)
	}
	assert.Equal(t, "[redacted] [redacted]", v.Clean("secretsecret-and-more secretsecret"), "a secret that begins like another")
	out.Reset()
	require.NoError(t, (&Printer{Out: w}).Document("secret\u202esecret"))
	assert.Equal(t, "\"[redacted]\"\n", out.String(), "in the form it is printed in")
	_, err = v.Writer(broken{}).Write([]byte("x"))
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLiveLineIsDrawnEverySecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &Printer{Out: &out, Terminal: true}
		live := p.Live(t.Context(), func(elapsed time.Duration) string { return elapsed.String() + strings.Repeat("x", 100) })
		<-time.After(2500 * time.Millisecond)
		require.NoError(t, live.Above(func() error { out.WriteString("above\n"); return nil }))
		live.Stop()
		drawn := strings.Split(out.String(), clearLine)
		require.Len(t, drawn, 6)
		assert.Empty(t, drawn[0])
		for i, want := range []string{"0s", "1s", "2s"} {
			assert.Equal(t, (want + strings.Repeat("x", 100))[:79], drawn[i+1])
		}
		assert.Equal(t, []string{"above\n", ""}, drawn[4:])
	})
	var none *Live
	none.Stop()
	assert.ErrorIs(t, none.Above(func() error { return io.ErrClosedPipe }), io.ErrClosedPipe)
}
