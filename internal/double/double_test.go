package double_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go/internal/double"
)

func TestShortest(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"":                             "",
		"0":                            "0",
		"-0.0":                         "0",
		"0e400":                        "0",
		"1e-400":                       "0", // underflows
		"50.000":                       "50",
		"5e1":                          "50",
		"49.999999999999999999":        "50",
		"49.99999999999999":            "49.99999999999999",
		"9007199254740993":             "9007199254740992",
		"0.1000000000000000055":        "0.1",
		"0.00000001":                   "0.00000001",
		"1.7e308":                      "17" + strings.Repeat("0", 307),
		"1e309":                        "1e309",
		"-1e400":                       "-1e400",
		"0." + strings.Repeat("3", 59): "0.3333333333333333",
		"-12.50":                       "-12.5",
		"5e-324":                       "0." + strings.Repeat("0", 323) + "5",
	} {
		assert.Equal(t, want, double.Shortest(number), number)
	}
}
