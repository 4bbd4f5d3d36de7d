package docs_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// words are ones that this project doesn't use, with what to write instead. All
// of them are wrong wherever they stand; the rest of good English is up to the
// reader of a change.
var words = []struct{ not, say string }{
	// American spelling, as Go's own APIs have it.
	{`behaviours?`, "behavior"},
	{`fulfils?`, "fulfill"},
	{`fulfilment`, "fulfillment"},
	{`catalogues?`, "catalog"},
	{`(?:col|fav|hon|neighb|lab)ours?`, "-or: color, favor, honor, neighbor, labor"},
	{`licences?`, "license"},
	{`centres?`, "center"},
	{`defence`, "defense"},
	{`grey`, "gray"},
	{`(?:label|travel|model|signal|cancel)ling`, "one l: labeling, canceling"},
	{`(?:label|travel|model|signal)led`, "one l: labeled, modeled"},
	{`(?:real|recogn|serial|initial|normal|organ|summar|optim|minim|maxim|custom|synchron|author|util|final)is(?:e|ed|es|ing|ation|er)`, "-ize: recognize, serialize"},
	{`analys(?:e|ed|ing)`, "analyze"},
	{`whilst`, "while"},
	{`amongst`, "among"},
	// One word for one thing.
	{`for ever`, "forever"},
	{`mend(?:s|ed|ing)?`, "fix"},
	{`under way`, "in progress"},
	{`in safety`, "persisted, stored durably"},
	{`anew`, "again, over"},
	{`on the strength of`, "because of"},
	{`ru?n dry`, "is empty, nothing is left in flight"},
	{`time is over`, "expired"},
	{`be it that`, "for example if"},
	{`save for`, "except for"},
	{`all told`, "in total"},
	{`message engines?`, "broker"},
	{`engines? of messages`, "broker"},
}

// comment is what continues a comment of Go on the next line.
var comment = regexp.MustCompile(`\n\s*//\s*|\s+`)

// quoted is code in a document, which may quote old names.
var quoted = regexp.MustCompile("`[^`]*`")

// No document and no Go file has a word that this project doesn't use.
func TestLanguage(t *testing.T) {
	t.Parallel()
	patterns := make([]*regexp.Regexp, len(words))
	for i, w := range words {
		patterns[i] = regexp.MustCompile(`(?i)\b` + w.not + `\b`)
	}
	for _, file := range files(t, ".md", ".go") {
		if file == "docs/language_test.go" {
			continue
		}
		text := read(t, file)
		if file == "CHANGELOG.md" {
			text = quoted.ReplaceAllString(text, "")
		}
		text = comment.ReplaceAllString(text, " ")
		for i, pattern := range patterns {
			for _, at := range pattern.FindAllStringIndex(text, -1) {
				around := text[max(0, at[0]-40):min(len(text), at[1]+40)]
				assert.Fail(t, "not a word of this project", "%s: write %q for %q in: …%s…",
					file, words[i].say, strings.TrimSpace(text[at[0]:at[1]]), around)
			}
		}
	}
}
