package stores_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox"
)

// crash tells a process of this test where to die: the database's name, its
// address and the table.
const crash = "JOVEPAY_TEST_CRASH"

const written = "written, not committed"

// A process that is killed between the shop's write and the commit leaves
// nothing behind, and the event is applied when it is delivered again.
func TestCrash(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := d.address(t)
			s := d.shopAt(t, d.open(t, address))
			e := entry(t, "1", "finished")
			for range 3 {
				process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashing$", "-test.v")
				process.Env = append(os.Environ(), crash+"="+strings.Join([]string{name, address, s.table}, "|"))
				out, err := process.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, process.Start())
				lines := bufio.NewScanner(out)
				for lines.Scan() && lines.Text() != written {
				}
				require.Equal(t, written, lines.Text())
				require.NoError(t, process.Process.Kill())
				require.Error(t, process.Wait())

				outcome, err := s.store.Lookup(t.Context(), e)
				require.NoError(t, err)
				assert.Equal(t, inbox.Pending, outcome)
			}
			s.expect(t, inbox.Applied, e)
			s.expect(t, inbox.Duplicate, e)
			notes, err := s.written(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{e.Key}, notes)
		})
	}
}

func TestCrashing(t *testing.T) {
	t.Parallel()
	where := strings.Split(os.Getenv(crash), "|")
	if len(where) != 3 {
		t.Skip("run by TestCrash")
	}
	d := databases()[where[0]]
	s := d.shopIn(t, d.open(t, where[1]), where[2])
	_, err := s.store.Apply(t.Context(), entry(t, "1", "finished"), func(ctx context.Context, tx *sql.Tx) error {
		if err := s.write(ctx, tx, "from the dead"); err != nil {
			return err
		}
		fmt.Println(written)
		<-ctx.Done()
		return ctx.Err()
	})
	t.Fatal("not killed: ", err)
}
