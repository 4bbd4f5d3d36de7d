package command

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

// maxInput is the limit for a file or standard input.
const maxInput = 16 << 20

// input returns what an argument stands for: itself, a file (@name) or standard
// input (@-).
func (c *cli) input(flag, argument string) ([]byte, error) {
	name, isFile := strings.CutPrefix(argument, "@")
	switch {
	case !isFile:
		return []byte(argument), nil
	case name == "-":
		return readAll(flag, c.in)
	}
	return readFile(flag, name)
}

// jsonInput is input that must be JSON.
func (c *cli) jsonInput(flag, argument string) (jsontext.Value, error) {
	content, err := c.input(flag, argument)
	if err != nil {
		return nil, err
	}
	var value jsontext.Value
	if err := json.Unmarshal(content, &value); err != nil {
		return nil, fail.Usage("%s: want JSON: %w", flag, err)
	}
	return value, nil
}

func readFile(what, name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // the user's own choice
	if err != nil {
		return nil, fail.Usage("%s: %w", what, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	return readAll(what, file)
}

// readAll reads everything up to maxInput.
func readAll(what string, r io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if len(content) > maxInput {
		return nil, fail.Usage("%s: want up to %d MiB", what, maxInput>>20)
	}
	return content, nil
}
