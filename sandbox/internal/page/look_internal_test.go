package page

import (
	"image"
	"image/color"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestCode(t *testing.T) {
	t.Parallel()
	for ticker, want := range map[string]string{
		"btc":       "bitcoin:ADDR?amount=0.50000001",
		"ltc":       "litecoin:ADDR?amount=0.50000001",
		"doge":      "dogecoin:ADDR?amount=0.50000001",
		"xmr":       "monero:ADDR?tx_amount=0.50000001",
		"sol":       "solana:ADDR?amount=0.50000001",
		"eth":       "ethereum:ADDR?value=500000010000000000",
		"bnbbsc":    "ethereum:ADDR@56?value=500000010000000000",
		"usdttrc20": "ADDR",
		"usdterc20": "ADDR",
		"trx":       "ADDR",
		"xrp":       "ADDR", // with a memo
		"xlm":       "ADDR",
		"new":       "ADDR",
	} {
		content, label := code(ticker, "ADDR", jovepay.MustAmount("0.50000001"))
		assert.Equal(t, want, content, ticker)
		assert.Equal(t, want != "ADDR", strings.Contains(label, "amount"), ticker)
	}
}

// draw renders the path of the SVG, with four pixels to a module.
func draw(t *testing.T, code *qrCode) image.Image {
	t.Helper()
	const scale = 4
	picture := image.NewGray(image.Rect(0, 0, code.Size*scale, code.Size*scale))
	for i := range picture.Pix {
		picture.Pix[i] = 0xff
	}
	run := regexp.MustCompile(`^M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
	for path := code.Path; path != ""; {
		m := run.FindStringSubmatch(path)
		require.NotNil(t, m, path)
		path = path[len(m[0]):]
		n := make([]int, 5)
		for i := 1; i < 5; i++ {
			n[i], _ = strconv.Atoi(m[i])
		}
		require.Equal(t, n[3], n[4])
		for y := n[2] * scale; y < (n[2]+1)*scale; y++ {
			for x := n[1] * scale; x < (n[1]+n[3])*scale; x++ {
				picture.SetGray(x, y, color.Gray{})
			}
		}
	}
	return picture
}

// A different library reads the codes.
func TestQRIsRead(t *testing.T) {
	t.Parallel()
	for _, want := range []string{
		"1", "Tngari7ruUGQATfisVbAi3UhJuE2QKaqfS", "bitcoin:3FkenCiXpSLqD8L79intRNXUgjRoH9sjXa?amount=0.00038906",
		"0x" + strings.Repeat("aB3", 13), "monero:4" + strings.Repeat("x9K", 31) + "?tx_amount=0.150909091234", strings.Repeat("1", 200),
	} {
		code, err := encodeQR(want)
		require.NoError(t, err)
		bitmap, err := gozxing.NewBinaryBitmapFromImage(draw(t, code))
		require.NoError(t, err)
		got, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
		require.NoError(t, err, want)
		assert.Equal(t, want, got.GetText())
	}
	_, err := encodeQR(strings.Repeat("x", 5000))
	assert.Error(t, err)
}

func TestPrice(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]string{
		"24.9": "24.90 USD", "24.90": "24.90 USD", "5": "5.00 USD", "0.0001": "0.0001 USD", "1e3": "1000.00 USD",
	} {
		assert.Equal(t, want, price(jovepay.MustAmount(digits), "usd"))
	}
}

func TestCoinNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "BTC", describe("btc", "btc").full())
	assert.Equal(t, "USDT, TRON (TRC-20)", describe("usdttrc20", "trx").full())
	assert.Equal(t, "NEW", describe("new", "new").full())
	assert.Equal(t, coin{"NEW", "NEW", "NET"}, describe("new", "net"))
	assert.Equal(t, coin{"NEW", "NEW", "NEW"}, describe("new", ""))
}

// Ink and ground have the contrast that WCAG 2 AA requires, in both schemes.
func TestContrast(t *testing.T) {
	t.Parallel()
	css, err := files.ReadFile("assets/page.css")
	require.NoError(t, err)
	variable := regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`)
	light, dark, found := strings.Cut(string(css), "prefers-color-scheme: dark")
	require.True(t, found)
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		shine := map[string]float64{}
		for _, m := range variable.FindAllStringSubmatch(text, -1) {
			shine[m[1]] = luminance(t, m[2])
		}
		for _, c := range []struct {
			ink, ground string
			least       float64
		}{
			{"ink", "ground", 4.5}, {"ink", "card", 4.5}, {"soft", "ground", 4.5}, {"soft", "card", 4.5},
			{"accent", "ground", 4.5}, {"accent", "card", 4.5}, {"accent", "accent-soft", 4.5}, {"accent-ink", "accent", 4.5},
			{"ink", "accent-soft", 4.5}, {"soft", "accent-soft", 4.5},
			{"good", "card", 4.5}, {"good", "good-soft", 4.5}, {"warn", "card", 4.5}, {"warn", "warn-soft", 4.5},
			{"bad", "card", 4.5}, {"bad", "bad-soft", 4.5}, {"edge", "card", 3}, {"edge", "ground", 3},
		} {
			require.Contains(t, shine, c.ink)
			require.Contains(t, shine, c.ground)
			a, b := shine[c.ink], shine[c.ground]
			assert.GreaterOrEqual(t, (max(a, b)+.05)/(min(a, b)+.05), c.least, "%s: %s on %s", scheme, c.ink, c.ground)
		}
	}
}

// luminance is the relative luminance of a color as WCAG 2 defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		c := float64(n) / 255
		if c <= .04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+.055)/1.055, 2.4)
		}
	}
	return sum
}
