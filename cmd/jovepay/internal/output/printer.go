// Package output prints results, as aligned text for people or as JSON for
// programs.
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

// Printer writes results to standard output and notes to standard error. It is
// not safe for concurrent use, but its writers are.
type Printer struct {
	JSON  bool      // documents instead of text
	Out   io.Writer // redacted by Vault
	Err   io.Writer // redacted by Vault
	Vault *Vault

	// Terminal is whether Out is a terminal.
	Terminal bool
	// Color is whether Out supports colors. A QR code needs them to be
	// readable on any background.
	Color bool

	out *os.File
}

// New returns a printer for the two streams. It reads TERM and NO_COLOR with
// environment.
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

// Width returns the width of the terminal in characters, or 80 if unknown.
func (p *Printer) Width() int {
	if width, _, err := term.GetSize(int(p.out.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// Show writes a result, as one line of JSON or as text.
func (p *Printer) Show(document any, text func(*Text)) error {
	if p.JSON {
		return p.Document(document)
	}
	return p.Text(text)
}

// Text writes text, whatever the mode.
func (p *Printer) Text(text func(*Text)) error {
	t := &Text{}
	text(t)
	_, err := p.Out.Write(t.buf.Bytes())
	return err
}

// Document writes a document as one line of JSON, whatever the mode. It contains
// no characters that control a terminal.
func (p *Printer) Document(document any) error {
	line, err := json.Marshal(document, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = p.Out.Write(append(escapeControls(line), '\n'))
	return err
}

// Log returns a writer of JSON lines to standard error. Write each line with one
// call.
func (p *Printer) Log() io.Writer { return jsonLog{p.Err} }

type jsonLog struct{ w io.Writer }

// Write implements [io.Writer].
func (l jsonLog) Write(line []byte) (int, error) {
	if _, err := l.w.Write(escapeControls(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// Note writes to standard error: a JSON object with one member, or text.
func (p *Printer) Note(name string, value any, text string) {
	line := []byte(text + "\n")
	if p.JSON {
		document, err := json.Marshal(map[string]any{name: value}, json.Deterministic(true))
		if err != nil {
			return
		}
		line = append(escapeControls(document), '\n')
	}
	_, _ = p.Err.Write(line) // there is nowhere to report a failure
}

// Text builds a piece of output.
type Text struct{ buf bytes.Buffer }

// Line adds a line. Arguments pass through [Plain].
func (t *Text) Line(format string, args ...any) {
	for i, arg := range args {
		if kind := reflect.ValueOf(arg).Kind(); kind != reflect.Int {
			args[i] = Plain(fmt.Sprint(arg))
		}
	}
	fmt.Fprintf(&t.buf, format+"\n", args...)
}

// Block adds text without passing it through [Plain].
func (t *Text) Block(text string) { t.buf.WriteString(text) }
