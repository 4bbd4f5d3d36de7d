package output

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Plain returns s fit for a terminal: what comes from outside must not be able
// to move the cursor, change a color or break a line.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '�'
		}
		return r
	}, s)
}

// steerless returns JSON with the characters escaped that a terminal might obey
// or not show: JSON itself escapes those below a space only. They stand in
// strings alone, so that it says what it said.
func steerless(line []byte) []byte {
	steers := func(r rune) bool { return r > '~' && !unicode.IsPrint(r) }
	if !bytes.ContainsFunc(line, steers) {
		return line
	}
	out := make([]byte, 0, len(line)+16)
	for _, r := range string(line) {
		if !steers(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

// Field is a name and a value that belong on one line.
type Field struct{ Name, Value string }

// Fields adds lines with the names and the values below each other. A field
// without a value is left out.
func (t *Text) Fields(fields ...Field) {
	width := 0
	for _, f := range fields {
		if f.Value != "" {
			width = max(width, utf8.RuneCountInString(f.Name))
		}
	}
	for _, f := range fields {
		if f.Value != "" {
			t.buf.WriteString(pad(f.Name, width) + "  " + Plain(f.Value) + "\n")
		}
	}
}

// Table adds rows in columns under their headings. A column that is empty in
// every row is left out; without rows there is nothing.
func (t *Text) Table(headings []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	columns := Columns(headings, rows)
	t.Row(columns, headings)
	for _, row := range rows {
		t.Row(columns, row)
	}
}

// Columns returns how wide each column is that shows these rows; 0 is a
// column that is left out.
func Columns(headings []string, rows [][]string) []int {
	widths := make([]int, len(headings))
	for _, row := range rows {
		for i, cell := range row {
			if cell != "" {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell), utf8.RuneCountInString(headings[i]))
			}
		}
	}
	return widths
}

// Row adds one row of a table with columns so wide.
func (t *Text) Row(widths []int, cells []string) {
	var line strings.Builder
	for i, cell := range cells {
		if widths[i] > 0 {
			line.WriteString(pad(Plain(cell), widths[i]) + "  ")
		}
	}
	t.buf.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
