package web

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// drawQR draws a text as an SVG picture. It has no style of its own, which the
// pages' policy would forbid, and a margin of four modules, which readers need.
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
	// The size and the path are numbers: nothing of the text is in it.
	return template.HTML(fmt.Sprintf(`<svg class="qr" role="img" aria-label="QR code of the address" `+ //nolint:gosec // of numbers only
		`viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges"><rect width="%[1]d" height="%[1]d" fill="#fff"/>`+
		`<path d="%[2]s" fill="#000"/></svg>`, size+2*margin, path.String())), nil
}
