// Package output shows results: to people as aligned text, to programs as
// JSON. It decides nothing and asks nobody.
package output

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/go-json-experiment/json"
	"golang.org/x/term"
)

// Printer writes results to the standard output and notes to the standard
// error. It is for one goroutine at a time, but for its writers.
type Printer struct {
	JSON  bool      // documents instead of text
	Out   io.Writer // guarded by the vault
	Err   io.Writer // guarded by the vault
	Vault *Vault

	// Terminal tells whether a person looks at Out as it is written.
	Terminal bool
	// Color tells whether Out understands colors, which a QR code needs to
	// be readable on any background.
	Color bool

	out *os.File
}

// New returns a printer for the two streams. NO_COLOR and a terminal that is
// called dumb are told by environment.
func New(out, err *os.File, environment func(string) string) *Printer {
	vault := &Vault{}
	terminal := term.IsTerminal(int(out.Fd()))
	return &Printer{
		Out:      vault.Writer(out),
		Err:      vault.Writer(err),
		Vault:    vault,
		Terminal: terminal && environment("TERM") != "dumb",
		Color:    terminal && environment("TERM") != "dumb" && environment("NO_COLOR") == "",
		out:      out,
	}
}

// Width returns how many characters fit on a line of the terminal: 80 if that
// cannot be told.
func (p *Printer) Width() int {
	if width, _, err := term.GetSize(int(p.out.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// Show writes a result: the document as one line of JSON, or the text.
func (p *Printer) Show(document any, text func(*Text)) error {
	if p.JSON {
		return p.Document(document)
	}
	return p.Text(text)
}

// Text writes text for people, whatever the mode.
func (p *Printer) Text(text func(*Text)) error {
	t := &Text{}
	text(t)
	_, err := p.Out.Write(t.buf.Bytes())
	return err
}

// Document writes a document as one line of JSON, whatever the mode. On a
// terminal it cannot do more than any other line.
func (p *Printer) Document(document any) error {
	line, err := json.Marshal(document, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = p.Out.Write(append(steerless(line), '\n'))
	return err
}

// Log returns where lines of JSON are logged to: the standard error. Each line
// has to come in one Write.
func (p *Printer) Log() io.Writer { return logged{p.Err} }

type logged struct{ w io.Writer }

// Write implements [io.Writer].
func (l logged) Write(line []byte) (int, error) {
	if _, err := l.w.Write(steerless(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// Note tells something beside the result, on the standard error: one member of
// JSON or a line of text.
func (p *Printer) Note(name string, value any, text string) {
	line := []byte(text + "\n")
	if p.JSON {
		document, err := json.Marshal(map[string]any{name: value}, json.Deterministic(true))
		if err != nil {
			return
		}
		line = append(steerless(document), '\n')
	}
	_, _ = p.Err.Write(line) // there is no other place to say that it failed
}

// Text is a piece of output in the making.
type Text struct{ buf bytes.Buffer }

// Line adds a line. Arguments that are text are shown as [Plain] shows them.
func (t *Text) Line(format string, args ...any) {
	for i, arg := range args {
		if kind := reflect.ValueOf(arg).Kind(); kind != reflect.Int {
			args[i] = Plain(fmt.Sprint(arg))
		}
	}
	fmt.Fprintf(&t.buf, format+"\n", args...)
}

// Block adds text that is fit for a terminal already.
func (t *Text) Block(text string) { t.buf.WriteString(text) }
