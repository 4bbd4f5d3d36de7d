package command

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go"
)

func TestFindID(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]jovepay.ID{
		`{"payment_id":"17"}`:                   "17",
		`{"payment_id":5745459419,"pay_am`:      "5745459419",
		`{"a":{"payment_id":1},"payment_id":2`:  "",
		`{"a":{"payment_id":1},"payment_id":2,`: "2",
		`{"a":[1,2],"payment_id":"3", "`:        "3",
		`{"payment_id":{"a":1},"b":2}`:          "",
		`{"payment_id"`:                         "",
		`{"other":1}`:                           "",
		`["payment_id"]`:                        "",
		`<html>`:                                "",
		``:                                      "",
	} {
		assert.Equal(t, want, findID([]byte(body), "payment_id"), body)
	}
}
