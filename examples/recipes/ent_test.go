package recipes_test

import (
	"context"
	"database/sql"
	"testing"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/sqlgraph"
	"entgo.io/ent/schema/field"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/examples/recipes"
	"github.com/jovepay/jovepay-go/orders"
)

func TestEnt(t *testing.T) {
	t.Parallel()
	db, r := onSQLite(t)
	r.hooks = recipes.EntHooks()
	r.place = func(ctx context.Context, book *orders.Book[*sql.Tx], email string, terms orders.Terms) error {
		return recipes.PlaceEnt(ctx, db, book, email, terms)
	}
	r.test(t)
}

// A generated UpdateOneID begins a transaction with its driver. It must be a part
// of the one that the driver is in.
func TestEntUpdateOne(t *testing.T) {
	t.Parallel()
	db, r := onSQLite(t)
	ctx := t.Context()
	require.NoError(t, insert(ctx, db, "order-1"))
	for _, commit := range []bool{false, true} {
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		spec := sqlgraph.NewUpdateSpec("purchases", []string{"id", "shipped"}, sqlgraph.NewFieldSpec("id", field.TypeString))
		spec.Node.ID.Value = "order-1"
		spec.SetField("shipped", field.TypeBool, true)
		spec.ScanValues = func([]string) ([]any, error) { return []any{new(string), new(bool)}, nil }
		spec.Assign = func([]string, []any) error { return nil }
		require.NoError(t, sqlgraph.UpdateNode(ctx, recipes.NewEntDriver(dialect.SQLite, tx), spec))
		if commit {
			require.NoError(t, tx.Commit())
		} else {
			require.NoError(t, tx.Rollback())
		}
		assert.Equal(t, map[string]bool{"order-1": commit}, r.purchases())
	}
}

func insert(ctx context.Context, db *sql.DB, id string) error {
	_, err := db.ExecContext(ctx, "INSERT INTO purchases (id, email) VALUES (?, 'ann@example.com')", id)
	return err
}
