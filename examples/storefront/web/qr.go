package web

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// drawQR returns a text as a QR code in SVG, with the margin of four modules that
// readers need. It has no inline style, which the pages' policy would block.
func drawQR(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("web: QR code: %w", err)
	}
	const margin = 4
	size := code.Bounds().Dx()
	var path strings.Builder
	for y := range size {
		for x := range size {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+margin, y+margin)
			}
		}
	}
	// Only numbers are interpolated, nothing of the text.
	return template.HTML(fmt.Sprintf(`<svg class="qr" role="img" aria-label="QR code of the address" `+ //nolint:gosec // numbers only
		`viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges"><rect width="%[1]d" height="%[1]d" fill="#fff"/>`+
		`<path d="%[2]s" fill="#000"/></svg>`, size+2*margin, path.String())), nil
}
