package output

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Plain makes s safe to print on a terminal: text from a server must not move
// the cursor, change colors or break a line.
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

// escapeControls escapes the characters in JSON that may control a terminal or
// are invisible; JSON itself escapes only those below U+0020. They occur only
// within strings, so the meaning does not change.
func escapeControls(line []byte) []byte {
	controls := func(r rune) bool { return r > '~' && !unicode.IsPrint(r) }
	if !bytes.ContainsFunc(line, controls) {
		return line
	}
	out := make([]byte, 0, len(line)+16)
	for _, r := range string(line) {
		if !controls(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

// Field is a name and a value, shown on one line.
type Field struct{ Name, Value string }

// Fields adds fields with aligned values. It omits those without a value.
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

// Table adds a table. It omits columns that are empty in every row, and adds
// nothing if there are no rows.
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

// Columns returns the width of each column of a table, 0 for those that are
// empty in every row.
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

// Row adds a row to a table with the given column widths.
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
