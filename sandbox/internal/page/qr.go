package page

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// qrCode is a QR code, ready for an SVG.
type qrCode struct {
	Size int    // of the square, in modules, with the quiet zone
	Path string // one rectangle for each run of dark modules
}

// quiet is the width of the light border that the standard requires, in modules.
const quiet = 4

// encodeQR returns the code for the content. It stays readable with up to 15
// percent of it damaged.
func encodeQR(content string) (*qrCode, error) {
	grid, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("QR code: %w", err)
	}
	size := grid.Bounds().Dx()
	dark := func(x, y int) bool {
		r, _, _, _ := grid.At(x, y).RGBA()
		return r == 0
	}
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			start := x
			for x < size && dark(x, y) {
				x++
			}
			if x > start {
				_, _ = fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
			}
		}
	}
	return &qrCode{Size: size + 2*quiet, Path: path.String()}, nil
}
