package output

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVaultRedactsSecrets(t *testing.T) {
	t.Parallel()
	v := &Vault{}
	for _, secret := range []string{"", "short", `back\slash"quote`} {
		v.Hide(secret)
		v.Hide(secret)
	}
	var out bytes.Buffer
	w := v.Writer(&out)
	n, err := io.WriteString(w, `plain back\slash"quote json back\\slash\"quote short`)
	require.NoError(t, err)
	assert.Equal(t, 52, n)
	assert.Equal(t, "plain [redacted] json [redacted] short", out.String())
	for _, secret := range []string{"secretsecret", "secretsecret-and-more", "secret\u202esecret"} {
		v.Hide(secret)
	}
	assert.Equal(t, "[redacted] [redacted]", v.Clean("secretsecret-and-more secretsecret"), "a secret that is a prefix of another")
	out.Reset()
	require.NoError(t, (&Printer{Out: w}).Document("secret\u202esecret"))
	assert.Equal(t, "\"[redacted]\"\n", out.String(), "as printed")
	_, err = v.Writer(broken{}).Write([]byte("x"))
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}
