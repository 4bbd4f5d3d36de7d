package command

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
)

func TestTheWelcomeNamesAnAddressOnlyWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		setup.DefaultSandbox: `
  jovepay --sandbox payment create 49.99 usd btc --order-id order-1001
  jovepay --sandbox payment watch ID
  jovepay sandbox pay ID

For a program in any language: jovepay sandbox env
`,
		"http://127.0.0.1:4999": `
  jovepay --sandbox=127.0.0.1:4999 payment create 49.99 usd btc --order-id order-1001
  jovepay --sandbox=127.0.0.1:4999 payment watch ID
  jovepay --sandbox=127.0.0.1:4999 sandbox pay ID

For a program in any language: jovepay --sandbox=127.0.0.1:4999 sandbox env
`,
	} {
		var out bytes.Buffer
		c := &cli{print: &output.Printer{Out: &out}}
		require.NoError(t, c.welcome(address))
		assert.Equal(t, "JovePay's sandbox is running at "+address+". Press Ctrl-C to stop it.\n\nIn another shell:\n"+want, out.String())
	}
}
