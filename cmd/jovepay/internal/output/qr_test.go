package output

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// photograph renders a code on a terminal as an image, each module some pixels
// wide.
func photograph(t *testing.T, code string) image.Image {
	t.Helper()
	const pixels = 4
	lines := strings.Split(strings.TrimSuffix(code, "\n"), "\n")
	width := len([]rune(lines[0]))
	picture := image.NewGray(image.Rect(0, 0, width*pixels, len(lines)*2*pixels))
	for y, line := range lines {
		require.Len(t, []rune(line), width, "all lines have the same width")
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
	assert.Equal(t, "\n(The text is too long for a QR code.)\n", text.buf.String())
}
