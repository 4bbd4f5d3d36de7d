package page_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// Every action that has a label is a button, which is disabled while the action
// says why.
func TestEveryLabelIsAButton(t *testing.T) {
	t.Parallel()
	labels := 0
	for _, a := range jovepaytest.Actions() {
		if a.Label == "" {
			continue
		}
		labels++
		t.Run(a.Label, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			invoice := d.invoice(nil)
			p, err := d.CheckOut(invoice.ID, "xrp")
			assert.NoError(t, err)
			for range 2 { // before it is pressed, and after
				p, err = d.Payment(p.ID)
				assert.NoError(t, err)
				s := d.open(p)
				found := false
				for _, button := range s.all("button") {
					if id, _ := attr(button, "id"); id == "do-"+a.Command {
						found = true
						assert.Equal(t, a.Label, words(button))
						_, disabled := attr(button, "disabled")
						assert.Equal(t, a.Blocked(p) != "", disabled)
					}
				}
				assert.True(t, found)
				s = d.press(p, a.Command)
				assert.Contains(t, []int{http.StatusOK, http.StatusConflict}, s.StatusCode, s.text)
			}
		})
	}
	assert.Positive(t, labels)
}
