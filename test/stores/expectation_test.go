package stores_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// An expectation comes back from every kind of column with the same digits.
func TestExpectationColumns(t *testing.T) {
	t.Parallel()
	amount := jovepay.MustAmount
	want := map[string]jovepay.Expectation{
		"payment": {OrderID: "A-1", PriceAmount: amount("49.90"), PriceCurrency: "usd", PaymentID: "5745459419",
			PayCurrency: "eth", PayAmount: amount("0.123456789012345678901234567890")},
		"invoice": {OrderID: "Ä \"1\" \\", PriceAmount: amount("1e2"), PriceCurrency: "eur", InvoiceID: "92233720368547758070"},
		"nothing": {},
	}
	types := map[sqlstore.Dialect][]string{
		sqlstore.PostgreSQL: {"text", "json", "jsonb"},
		sqlstore.MySQL:      {"text", "json", "varchar(1000)"},
		sqlstore.SQLite:     {"TEXT", "JSON", ""},
	}
	for name, d := range databases() {
		for _, column := range types[d.dialect] {
			t.Run(name+"/"+column, func(t *testing.T) {
				t.Parallel()
				db := d.open(t, d.address(t))
				s := &shop{database: d, db: db}
				table := "orders_" + strings.ToLower(rand.Text())
				s.exec(t, "CREATE TABLE "+table+" (id varchar(20) PRIMARY KEY, expected "+column+")")
				t.Cleanup(func() { s.cleanup(t, "DROP TABLE "+table) })
				for id, e := range want {
					placeholders := "?, ?"
					if d.dialect == sqlstore.PostgreSQL {
						placeholders = "$1, $2"
					}
					s.exec(t, "INSERT INTO "+table+" VALUES ("+placeholders+")", id, e)
				}
				for id, e := range want {
					got := jovepay.Expectation{OrderID: "left over"}
					require.NoError(t, db.QueryRowContext(t.Context(), "SELECT expected FROM "+table+" WHERE id = "+d.mark, id).Scan(&got))
					assert.Equal(t, e, got)
				}
				var null bool
				require.NoError(t, db.QueryRowContext(t.Context(), "SELECT expected IS NULL FROM "+table+" WHERE id = 'nothing'").Scan(&null))
				assert.True(t, null, "the zero value is NULL")

				_, err := db.ExecContext(t.Context(), "INSERT INTO "+table+" (expected) VALUES ("+d.mark+")", jovepay.Expectation{OrderID: "A-1"})
				require.ErrorIs(t, err, jovepay.ErrInvalidRequest, "an invalid expectation is not stored")
				s.exec(t, "UPDATE "+table+" SET expected = '{\"order_id\":\"A-1\"}' WHERE id = 'payment'")
				var damaged jovepay.Expectation
				require.Error(t, db.QueryRowContext(t.Context(), "SELECT expected FROM "+table+" WHERE id = 'payment'").Scan(&damaged))
			})
		}
	}
}
