package command

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

var errList = errors.New("connection lost")

// paymentsUntil yields n payments, and then the error if it is not nil.
func paymentsUntil(n int, err error) iter.Seq2[*jovepay.Payment, error] {
	return func(yield func(*jovepay.Payment, error) bool) {
		for i := range n {
			if !yield(&jovepay.Payment{ID: jovepay.ID(fmt.Sprint(1000 + i)), Status: jovepay.PaymentWaiting}, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func TestStreamPrintsWhatArrived(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		payments int
		err      error
		lines    int // of text
		begins   string
	}{
		{0, nil, 1, "no matching payments\n"},
		{0, errList, 0, ""},
		{3, nil, 4, "PAYMENT  STATUS\n1000     waiting\n"},
		{3, errList, 4, "PAYMENT  STATUS\n1000     waiting\n"},
		{100, nil, 101, "PAYMENT  STATUS\n"},
		{100, errList, 101, "PAYMENT  STATUS\n"},
		{250, errList, 251, "PAYMENT  STATUS\n"},
	} {
		var text, lines bytes.Buffer
		err := (&cli{print: &output.Printer{Out: &text}}).stream(paymentsUntil(test.payments, test.err))
		assert.ErrorIs(t, err, test.err)
		assert.Equal(t, test.lines, strings.Count(text.String(), "\n"), "%+v", test)
		assert.True(t, strings.HasPrefix(text.String(), test.begins), "%+v: %s", test, text.String())

		err = (&cli{print: &output.Printer{Out: &lines, JSON: true}}).stream(paymentsUntil(test.payments, test.err))
		assert.ErrorIs(t, err, test.err)
		assert.Equal(t, test.payments, strings.Count(lines.String(), "\n"), "%+v", test)
	}
}
