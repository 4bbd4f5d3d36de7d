package output

import (
	"image"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the width of the light margin around a code, in modules.
const quiet = 2

// QR returns a QR code for a terminal, two rows of modules per line, and its
// width in characters. With color, it is readable on any background; without,
// only as light text on a dark background.
func QR(content string, color bool) (code string, width int, err error) {
	matrix, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return "", 0, err
	}
	size := matrix.Bounds().Dx()
	var out strings.Builder
	for y := -quiet; y < size+quiet; y += 2 {
		if color {
			out.WriteString("\x1b[97;40m")
		}
		for x := -quiet; x < size+quiet; x++ {
			out.WriteString(half(light(matrix, x, y), light(matrix, x, y+1)))
		}
		if color {
			out.WriteString("\x1b[0m")
		}
		out.WriteString("\n")
	}
	return out.String(), size + 2*quiet, nil
}

// half draws two modules, one above the other: light ones in the foreground
// color, dark ones in the background color.
func half(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}

func light(matrix image.Image, x, y int) bool {
	if !(image.Point{X: x, Y: y}).In(matrix.Bounds()) {
		return true
	}
	return color.GrayModel.Convert(matrix.At(x, y)) == color.Gray{Y: 0xff}
}
