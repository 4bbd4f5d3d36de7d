package browser_test

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// looks checks the page in the tab, and takes screenshots at the widths of a
// phone and of a desktop if JOVEPAY_SCREENSHOTS is set.
func (b *tab) looks(t *testing.T, name string) {
	t.Helper()
	if b.script {
		assert.Empty(t, b.nameless(t), name) // the script adds controls and removes none
	} else {
		name += "-noscript"
	}
	b.do(t, size(phone))
	assert.LessOrEqual(t, b.width(t), int64(phone), "%s is too wide", name)
	b.picture(t, name, phone)
	b.do(t, size(desk))
	b.picture(t, name, desk)
}

// picture writes screenshots of the page, light and dark, if JOVEPAY_SCREENSHOTS
// is set.
func (b *tab) picture(t *testing.T, name string, width int) {
	t.Helper()
	folder := os.Getenv("JOVEPAY_SCREENSHOTS")
	if folder == "" {
		return
	}
	require.NoError(t, os.MkdirAll(folder, 0o755))
	for _, scheme := range []string{"dark", "light"} {
		call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		picture := ask(t, b, chromedp.FullScreenshot(100))
		require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), picture, 0o644))
	}
}

// width returns the width of the page in the tab.
func (b *tab) width(t *testing.T) int64 {
	t.Helper()
	return eval[int64](t, b, `document.documentElement.scrollWidth`)
}

// nameless returns the roles of controls and pictures without an accessible
// name.
func (b *tab) nameless(t *testing.T) (roles []string) {
	t.Helper()
	checked := 0
	for _, node := range call(t, b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		switch role := string(node.Role.Value); role {
		case `"button"`, `"link"`, `"radio"`, `"checkbox"`, `"textbox"`, `"combobox"`, `"image"`, `"heading"`:
			checked++
			if node.Name == nil || len(node.Name.Value) <= len(`""`) {
				roles = append(roles, role)
			}
		}
	}
	assert.Positive(t, checked, "nothing was checked")
	return roles
}

// qr reads the QR code on the page in the tab.
func (b *tab) qr(t *testing.T) string {
	t.Helper()
	b.do(t, size(desk))
	picture := ask(t, b, chromedp.Screenshot(chromedp.CSS("svg.qr")))
	img, err := png.Decode(bytes.NewReader(picture))
	require.NoError(t, err)
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	require.NoError(t, err)
	code, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	require.NoError(t, err)
	return code.GetText()
}
