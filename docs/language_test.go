package docs_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
)

// words are ones that this project doesn't use, with what to write instead. A
// star stands for the rest of a word. None of them is right anywhere; all else
// that makes good English is left to whoever reviews a change.
var words = []struct{ not, say string }{
	// American spelling, as Go's own APIs have it.
	{"behaviour*", "behavior"},
	{"fulfil", "fulfill"},
	{"fulfils", "fulfills"},
	{"fulfilment*", "fulfillment"},
	{"catalogue*", "catalog"},
	{"colour*", "color"},
	{"favour*", "favor"},
	{"honour*", "honor"},
	{"neighbour*", "neighbor"},
	{"licence*", "license"},
	{"centre*", "center"},
	{"defence*", "defense"},
	{"grey", "gray"},
	{"labelled", "labeled"},
	{"labelling", "labeling"},
	{"modelled", "modeled"},
	{"travelled", "traveled"},
	{"cancelling", "canceling"},
	{"signalled", "signaled"},
	{"analyse*", "analyze"},
	{"realise", "realize"},
	{"realised", "realized"},
	{"recognis*", "recognize"},
	{"serialis*", "serialize"},
	{"initialis*", "initialize"},
	{"normalise*", "normalize"},
	{"organise*", "organize"},
	{"optimise*", "optimize"},
	{"customis*", "customize"},
	{"synchronis*", "synchronize"},
	{"authoris*", "authorize"},
	{"whilst", "while"},
	{"amongst", "among"},
	// One word for one thing.
	{"for ever", "forever"},
	{"mend", "fix"},
	{"mends", "fixes"},
	{"mended", "fixed"},
	{"under way", "in progress"},
	{"in safety", "persisted, stored durably"},
	{"anew", "again, over"},
	{"on the strength of", "because of"},
	{"run dry", "is empty, nothing is in flight"},
	{"time is over", "expired"},
	{"be it that", "for example if"},
	{"save for", "except for"},
	{"all told", "in total"},
	{"message engine*", "broker"},
}

// No document and no Go file has a word that this project doesn't use.
func TestLanguage(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, ".md", ".go") {
		if file == "docs/language_test.go" {
			continue
		}
		text := read(t, file)
		if strings.HasSuffix(file, ".md") {
			text = link.ReplaceAllString(text, "$1") // names of files stay
		}
		if file == "CHANGELOG.md" {
			text = inline.ReplaceAllString(text, "") // and old names
		}
		text = spoken(text)
		for _, word := range words {
			not := " " + strings.TrimSuffix(word.not+" ", "* ")
			if before, after, found := strings.Cut(text, not); found {
				before, after = before[max(0, len(before)-50):], after[:min(len(after), 50)]
				assert.Fail(t, "not a word of this project", "%s: write %q: …%s%s%s…", file, word.say, before, not, after)
			}
		}
	}
}

// spoken returns the words of a text in lower case, one space around each.
func spoken(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
	return " " + strings.Join(words, " ") + " "
}
