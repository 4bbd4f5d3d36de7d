package canonicaltest

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// A Vector is one line of testdata/ipn-vectors.jsonl, made by the interpreters
// that JovePay's reference verifiers run on.
type Vector struct {
	ID     string `json:"id"`
	Class  string `json:"class"` // what is special about it; n. and more if it is to be rejected
	Body   []byte `json:"body_b64"`
	Secret string `json:"secret"`
	Expect string `json:"expect"` // "accept" or another
	Sig    string `json:"sig"`
	Signer string `json:"signer"` // the form, or raw
	Event  string `json:"event"`  // the kind of the event
}

const vectorsFile = "testdata/ipn-vectors.jsonl"

// Vectors returns all of them. The test must run in the module's root or below.
func Vectors(tb testing.TB) []Vector {
	tb.Helper()
	root := os.DirFS(".")
	for up := 1; ; up++ {
		if _, err := fs.Stat(root, vectorsFile); err == nil || up == 4 {
			break
		}
		root = os.DirFS(strings.Repeat("../", up))
	}
	file, err := fs.ReadFile(root, vectorsFile)
	if err != nil {
		tb.Fatal(err)
	}
	var all []Vector
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, len(file))
	for lines.Scan() {
		var v Vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			tb.Fatal(err)
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil || len(all) == 0 {
		tb.Fatalf("%s: %d vectors, %v", vectorsFile, len(all), err)
	}
	return all
}
