package docs_test

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	adrTitle  = regexp.MustCompile(`^# (\d+)\. (\S.*)\n\n`)
	adrStatus = regexp.MustCompile(`^(Accepted|Superseded by \[ADR \d+\]\(\S+\)), (?:January|February|March|April|May|June|July|August|September|October|November|December) 20\d\d\.`)
	section   = regexp.MustCompile(`(?m)^## (.+)$`)
)

// Every record has the shape that docs/adr/README.md describes, and its row in
// the index there.
func TestADRs(t *testing.T) {
	t.Parallel()
	var index strings.Builder
	number := 0
	for _, file := range files(t, ".md") {
		if path.Dir(file) != "docs/adr" || path.Base(file) == "README.md" {
			continue
		}
		number++
		text := read(t, file)
		require.Equal(t, fmt.Sprintf("%04d", number), path.Base(file)[:4], "the numbers have no gap")

		title := adrTitle.FindStringSubmatch(text)
		if !assert.NotNil(t, title, "%s: the first line is not \"# %d. Title\"", file, number) {
			continue
		}
		assert.Equal(t, strconv.Itoa(number), title[1], file)
		status := adrStatus.FindStringSubmatch(text[len(title[0]):])
		if !assert.NotNil(t, status, "%s: the line below the title is not \"Accepted, Month Year.\"", file) {
			continue
		}
		var sections []string
		for _, match := range section.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			sections = append(sections, match[1])
		}
		assert.Equal(t, []string{"Context", "Decision", "Consequences"}, sections, file)
		fmt.Fprintf(&index, "| [%d](%s) | %s | %s |\n", number, path.Base(file), title[2], strings.ToLower(status[1]))
	}
	assert.Contains(t, read(t, "docs/adr/README.md"), "| | decision | status |\n| --- | --- | --- |\n"+index.String()+"\n")
}
