package jovepaytest_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// A method of the server is an action of the table, or changes nothing; and
// every action is in the journal of the busy life.
func TestEveryMethodIsAnActionOrChangesNothing(t *testing.T) {
	t.Parallel()
	reads := []string{
		"Client", "Close", "Count", "Currencies", "Deliveries", "DeliveriesOf", "Duplicates", "Err", "Estimate", "Format", "Invoice", "InvoicePayments",
		"Journal", "LateCreates", "Latest", "Now", "Payment", "Payments", "Replay", "Requests", "Sign", "WriteJournal",
	}
	b := newBusy(t, newMoody(t).URL)
	b.life()
	done := map[string]bool{}
	for _, e := range b.server.Journal() {
		if e.Action != nil {
			done[e.Action.Name] = true
		}
	}
	want := append(reads, "PayAmount", "RefundPart") // Pay and Refund with an amount, in the journal too
	for _, a := range jovepaytest.Actions() {
		want = append(want, a.Name)
		assert.True(t, done[a.Name], "the busy life has no %s", a.Name)
	}
	var methods []string
	for method := range reflect.TypeFor[*jovepaytest.Server]().Methods() {
		methods = append(methods, method.Name)
	}
	assert.ElementsMatch(t, want, methods)
}

// Whatever is made from the table finds what it needs there.
func TestActionsAreComplete(t *testing.T) {
	t.Parallel()
	names, commands, routes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range jovepaytest.Actions() {
		assert.False(t, names[a.Name] || commands[a.Command] || routes[a.Route], a.Name)
		names[a.Name], commands[a.Command], routes[a.Route] = true, true, true
		assert.Contains(t, jovepaytest.Groups(), a.Group, a.Name)
		assert.NotEmpty(t, a.Details, a.Name)
		assert.Equal(t, slices.Contains([]string{"Redeliver", "SendIPN", "WaitDeliveries"}, a.Name), a.Waits, a.Name)
		assert.Regexp(t, `^(GET|POST|PUT|DELETE) [a-z]`, a.Route, a.Name)
		assert.Regexp(t, `^[A-Z].*[^.]$`, a.Summary, a.Name)
		assert.LessOrEqual(t, len(a.Summary), 50, a.Name)
		optional, arguments := false, map[string]bool{}
		for _, argument := range a.Arguments {
			what := a.Name + " " + argument.Name
			assert.Regexp(t, `^[a-z_]+$`, argument.Name, what)
			assert.False(t, arguments[argument.Name], what)
			arguments[argument.Name] = true
			assert.NotEmpty(t, argument.Usage, what)
			assert.True(t, argument.Optional || argument.Example != "", "%s: a required argument has an example", what)
			assert.False(t, optional && !argument.Optional, "%s: required arguments come first", what)
			optional = argument.Optional
			if argument.Example != "" {
				_, err := argument.JSON(argument.Example)
				require.NoError(t, err, what)
			}
		}
		for _, part := range strings.Split(a.Route, "{")[1:] {
			name, _, _ := strings.Cut(part, "}")
			assert.True(t, arguments[name], "%s: {%s} in the route is an argument", a.Name, name)
		}
		if a.Label != "" {
			for i, argument := range a.Arguments {
				assert.Equal(t, i == 0, argument.Name == "id" && !argument.Optional, "%s: a button has the payment alone", a.Name)
				assert.Equal(t, i > 0, argument.Optional, a.Name)
			}
		}
	}
}

// What is done with JSON is in the journal as if it had been done with Go, and
// is done again alike.
func TestActionsByJSON(t *testing.T) {
	t.Parallel()
	shop := newMoody(t)
	byGo, byJSON := newServer(t, busyOptions()...), newServer(t, busyOptions()...)
	require.NoError(t, byGo.SetPrice("btc", jovepay.MustAmount("50000")))
	require.NoError(t, byGo.SetCurrencies("btc", "eth"))
	require.NoError(t, byGo.SetTokenLifetime(90*time.Second))
	require.NoError(t, byGo.Inject(jovepaytest.Fault{Path: "/v1/status", Status: 503, Delay: time.Millisecond}))
	require.NoError(t, byGo.SetIPN(jovepaytest.IPNBehavior{
		Forms: []jovepay.IPNForm{jovepay.FormPHP}, Retries: new(0), Interval: new(time.Duration(0)), Lose: jovepaytest.Hits{Percent: 5},
	}))
	require.NoError(t, byGo.SendIPN(t.Context(), shop.URL, []byte(`{"a": 1}`)))
	require.NoError(t, byGo.Redeliver(t.Context(), 1))
	_, err := byGo.MoveClock(time.Hour)
	require.NoError(t, err)
	w, err := byGo.Withdraw(jovepaytest.WithdrawalRequest{Currency: "trx", Amount: jovepay.MustAmount("5"), Address: "there"})
	require.NoError(t, err)
	require.NoError(t, byGo.WaitDeliveries(t.Context()))

	shop.forget()
	for _, c := range [][3]string{
		{"SetPrice", `{"currency":"btc","usd":50000}`, ``},
		{"SetCurrencies", `{"currencies":["btc","eth"]}`, ``},
		{"SetTokenLifetime", `{"lifetime":"90s"}`, ``},
		{"Inject", `{"path":"/v1/status","status":503,"delay":"1ms"}`, ``},
		{"SetIPN", `{"forms":["php"],"retries":0,"interval":"0s","lose":{"percent":5}}`, ``},
		{"SendIPN", `{"url":"` + shop.URL + `","body":{"a": 1}}`, ``},
		{"Redeliver", `{"number":1}`, ``},
		{"MoveClock", `{"advance":"1h"}`, `{"now":"2026-03-14T13:00:00Z"}`},
		{"Withdraw", `{"currency":"trx","amount":"5","address":"there"}`, string(w.Raw)},
		{"WaitDeliveries", ``, ``},
	} {
		result, err := action(t, c[0]).Do(t.Context(), byJSON, []byte(c[1]))
		require.NoError(t, err, c[0])
		assert.Equal(t, c[2], string(result), c[0])
	}
	assert.Equal(t, strings.Split(written(t, byGo), "\n"), strings.Split(written(t, byJSON), "\n"))
	shop.forget()
	for _, d := range replay(t, newServer(t, busyOptions()...), written(t, byJSON)) {
		assert.Fail(t, "differs", d.String())
	}
}

// What an action rejects is rejected before anything is done.
func TestActionsRejectArguments(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, c := range [][3]string{
		{"Pay", ``, "id is required"},
		{"Pay", `null`, "the arguments must be an object"},
		{"Pay", `[]`, "the arguments must be an object"},
		{"Pay", `{"id":"1"} 2`, "invalid character"},
		{"Pay", `{"id":"1","id":"2"}`, "duplicate"},
		{"Pay", `{"id":"1","why":1}`, `unknown argument "why"`},
		{"Pay", `{"id":null}`, "id is required"},
		{"Pay", `{"id":"1","amount":"lots"}`, `amount: amount "lots": want a decimal number`},
		{"SetCurrencies", `{"currencies":null}`, "currencies is required"}, // which an empty list would not be
		{"SetTokenLifetime", `{"lifetime":7}`, `lifetime: want a duration such as "1h30m"`},
		{"SetTokenLifetime", `{"lifetime":"soon"}`, "lifetime: "},
		{"Inject", `{"times":"once"}`, "times must not be of the type string"},
		{"SetIPN", `{"lose":{"Next":1}}`, `unknown argument "Next"`},
		{"Redeliver", `{"number":1.5}`, "number"},
		{"SendIPN", `{"url":"ftp://x","text":"x"}`, "url must be an absolute http or https URL"},
		{"SendIPN", `{"url":"http://127.0.0.1:1"}`, "want one of kind, body and text"},
		{"SendIPN", `{"url":"http://127.0.0.1:1","kind":"letter"}`, "kind must be payment, withdrawal or recurring"},
		{"SendIPN", `{"url":"http://127.0.0.1:1","text":"x","with":{}}`, "with goes with a kind only"},
	} {
		_, err := action(t, c[0]).Do(t.Context(), server, []byte(c[1]))
		require.ErrorIs(t, err, jovepay.ErrInvalidRequest, c)
		assert.ErrorContains(t, err, c[2], c)
	}
	assert.Empty(t, server.Journal())
	_, err := action(t, "Redeliver").Do(t.Context(), server, []byte(`{"number":1}`))
	require.ErrorIs(t, err, jovepay.ErrNotFound)
	_, err = action(t, "SendIPN").Do(t.Context(), server, []byte(`{"url":"http://shop.example/","text":"x"}`))
	require.ErrorIs(t, err, jovepaytest.ErrNotDelivered)
}

// A person's text is the argument's JSON.
func TestArgumentsOfAPerson(t *testing.T) {
	t.Parallel()
	argument := func(name, of string) jovepaytest.Argument {
		for _, argument := range action(t, of).Arguments {
			if argument.Name == name {
				return argument
			}
		}
		t.Fatal("no argument " + name)
		return jovepaytest.Argument{}
	}
	for _, c := range []struct{ action, name, placeholder, text, json, err string }{
		{"Pay", "id", "id", `57"1`, `"57\"1"`, ""},
		{"Pay", "amount", "amount", "0.5", `"0.5"`, ""},
		{"Pay", "id", "id", "\xff", "", "id: want text in UTF-8"},
		{"Pay", "amount", "amount", "", "", "amount: amount \"\": "}, // not all that was asked
		{"Pay", "amount", "amount", "lots", "", `amount: amount "lots": want a decimal number`},
		{"Inject", "times", "n", "3", `3`, ""},
		{"Inject", "times", "n", "+03", `3`, ""},
		{"Inject", "times", "n", "three", "", "times: want a whole number"},
		{"Inject", "cut", "", "true", `true`, ""},
		{"Inject", "cut", "", "perhaps", "", "cut: want true or false"},
		{"Inject", "delay", "duration", "3s", `"3s"`, ""},
		{"Inject", "delay", "duration", "3", "", `delay: want a duration such as "1h30m", got "3"`},
		{"Inject", "header", "json", `{"A":["b"]}`, `{"A":["b"]}`, ""},
		{"Inject", "header", "json", `{"A`, "", "header: want JSON"},
		{"SetIPN", "retries", "n", "0", `0`, ""},
		{"SetIPN", "interval", "duration", "0s", `"0s"`, ""},
		{"SetIPN", "forms", "forms", "php,raw", `["php","raw"]`, ""},
		{"SetCurrencies", "currencies", "coins", "", `[]`, ""},
		{"SendIPN", "url", "url", "http://x", `"http://x"`, ""},
	} {
		a := argument(c.name, c.action)
		assert.Equal(t, c.placeholder, a.Placeholder, c.name)
		got, err := a.JSON(c.text)
		if c.err != "" {
			assert.ErrorContains(t, err, c.err, c.text)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, c.json, string(got))
	}
}
