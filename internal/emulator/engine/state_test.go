package engine_test

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// shelf is where a test keeps records.
type shelf map[[2]string]string

func (s shelf) save(records []engine.Record) error {
	for _, r := range records {
		s[[2]string{r.Kind, r.ID}] = string(r.Data)
	}
	return nil
}

func (s shelf) records() (list []engine.Record) {
	for key, data := range s {
		list = append(list, engine.Record{Kind: key[0], ID: key[1], Data: []byte(data)})
	}
	return list
}

// kept is the state of an engine with one record of everything: two payments of
// which the second is the first one's child, an invoice with a payment, both
// kinds of transfers, a price and a coin that were set, and late creates: of a
// payment and an invoice that are there by now, and of a payment to come.
func kept(t *testing.T) (*world, shelf) {
	t.Helper()
	w := newWorld(t, engine.Config{})
	w.Keep()
	p := w.create(t)
	_, err := w.Deposit(p.ID, dec("0.001"))
	require.NoError(t, err)
	_, err = w.Deposit(p.ID, dec("0.0001"))
	require.NoError(t, err)
	require.NoError(t, w.SetPrice("pepe", dec("0.1")))
	require.NoError(t, w.SetPrice("eur", dec("1.1")))
	i, err := w.CreateInvoice(engine.InvoiceRequest{PriceAmount: dec("64"), PriceCurrency: "usd", PayCurrency: "pepe"})
	require.NoError(t, err)
	_, err = w.PayInvoice(i.ID, "")
	require.NoError(t, err)
	_, err = w.CreateTransfer(engine.TransferRequest{Currency: "btc", Amount: dec("1"), Address: "3abc"})
	require.NoError(t, err)
	_, err = w.CreateTransfer(engine.TransferRequest{Recurring: true, Currency: "pepe", Amount: dec("1")})
	require.NoError(t, err)
	w.CreatePaymentLater(request(), time.Minute)
	w.CreateInvoiceLater(engine.InvoiceRequest{PriceAmount: dec("5"), PriceCurrency: "usd"}, time.Minute)
	w.CreatePaymentLater(request(), 2*time.Hour)
	_, err = w.MoveClock(time.Hour)
	require.NoError(t, err)
	s := shelf{}
	require.NoError(t, w.Save(s.save))
	return w, s
}

// ids of the records of a kind, the smallest first.
func (s shelf) ids(kind string) []string {
	var ids []string
	for key := range s {
		if key[0] == kind {
			ids = append(ids, key[1])
		}
	}
	slices.Sort(ids)
	return ids
}

// text spells equal amounts alike.
func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func TestRestore(t *testing.T) {
	t.Parallel()
	w, s := kept(t)
	for range 5 { // in any order
		records := s.records()
		rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		again := newWorld(t, engine.Config{})
		require.NoError(t, again.Restore(records))
		assert.Equal(t, text(t, w.Payments()), text(t, again.Payments()))
		assert.Equal(t, text(t, w.Currencies()), text(t, again.Currencies()))
		assert.Equal(t, text(t, w.LateCreates()), text(t, again.LateCreates()))
		assert.Equal(t, w.Now(), again.Now())
		again.Keep()
		require.NoError(t, again.Save(func([]engine.Record) error { return errors.New("there is nothing to save") }))
	}
	again := newWorld(t, engine.Config{})
	require.NoError(t, again.Restore(s.records()))
	assert.Equal(t, w.create(t).ID, again.create(t).ID, "ids go on")
	_, err := again.Login(again.Account().Email, again.Account().Password)
	require.NoError(t, err)
}

func TestSaveHasWhatChangedOnce(t *testing.T) {
	t.Parallel()
	w, _ := kept(t)
	var names []string
	save := func(records []engine.Record) error {
		names = nil
		for _, r := range records {
			names = append(names, r.Kind)
			assert.NotEmpty(t, r.ID)
		}
		return nil
	}
	id := w.Payments()[0].ID
	for _, c := range []struct {
		do   func() error
		want []string
	}{
		{func() error { return nil }, nil},
		{func() error { _, err := w.Advance(id); return err }, []string{"payment"}},
		{func() error { _, err := w.Deposit(id, dec("1")); return err }, []string{"payment", "payment", "account"}},
		{func() error { _, err := w.MoveClock(0); return err }, nil},
		{func() error { _, err := w.MoveClock(1); return err }, []string{"account"}},
		{func() error { _, err := w.Login(w.Account().Email, w.Account().Password); return err }, []string{"account"}},
		{func() error { return w.SetMinimum("btc", dec("1")) }, []string{"currency"}},
	} {
		require.NoError(t, c.do())
		names = nil
		require.NoError(t, w.Save(save))
		assert.Equal(t, c.want, names)
	}
	_, err := w.Advance(id)
	require.NoError(t, err)
	require.EqualError(t, w.Save(func([]engine.Record) error { return errors.New("full") }), "full")
	require.NoError(t, w.Save(save))
	assert.Equal(t, []string{"payment"}, names, "what failed is handed over again")
}

func TestRestoreRejectsWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	_, good := kept(t)
	payments, invoice := good.ids("payment"), good.ids("invoice")[0]
	parent, child, invoiced := payments[0], payments[1], payments[2]
	transfers := good.ids("transfer")
	last := transfers[1]
	creates := good.ids("create")
	change := func(kind, id, old, now string) func(*testing.T, shelf) {
		return func(t *testing.T, s shelf) {
			t.Helper()
			data := s[[2]string{kind, id}]
			changed := regexp.MustCompile(old).ReplaceAllString(data, now)
			require.NotEqual(t, data, changed, "of %s", data)
			s[[2]string{kind, id}] = changed
		}
	}
	remove := func(kind, id string) func(*testing.T, shelf) {
		return func(_ *testing.T, s shelf) { delete(s, [2]string{kind, id}) }
	}
	add := func(kind, id, data string) func(*testing.T, shelf) {
		return func(_ *testing.T, s shelf) { s[[2]string{kind, id}] = data }
	}
	for name, c := range map[string]struct {
		ruin func(*testing.T, shelf)
		want string
	}{
		"no account":          {remove("account", "main"), "record account main is missing"},
		"two accounts":        {add("account", "other", good[[2]string{"account", "main"}]), `record account other: its data are those of "main"`},
		"another seed":        {change("account", "main", `"Seed":0`, `"Seed":1`), "record account main: seed 1 is not the server's, 0"},
		"another version":     {change("account", "main", `"Version":1`, `"Version":2`), "version 2 is not 1"},
		"the counter is off":  {change("account", "main", `"IDs":\d+`, `"IDs":4300000001`), "is not where the ids of the seed can be"},
		"set back":            {change("account", "main", `"Ahead":`, `"Ahead":-`), "the clock cannot be ahead by -1h0m0s"},
		"unknown kind":        {add("cheque", "1", "{}"), "record cheque 1: its kind is not known"},
		"no JSON":             {add("payment", "1", "}"), "record payment 1: "},
		"cut short":           {change("payment", parent, `.$`, ``), "record payment " + parent + ": "},
		"two values":          {change("payment", parent, `$`, `{}`), "record payment " + parent + ": "},
		"an unknown member":   {change("payment", parent, `^{`, `{"X":1,`), "record payment " + parent + ": "},
		"a member twice":      {change("payment", parent, `^{`, `{"ID":1,`), "record payment " + parent + ": "},
		"another case":        {change("payment", parent, `"Status"`, `"status"`), "record payment " + parent + ": "},
		"no request":          {change("payment", parent, `^.*("ID":.*)$`, `{$1`), "record payment " + parent + ": it has no request"},
		"another's id":        {add("payment", "1", good[[2]string{"payment", parent}]), `record payment 1: its data are those of "` + parent + `"`},
		"no parent":           {remove("payment", parent), "record payment " + child + ": its parent " + parent + " is missing"},
		"a parent's parent":   {change("payment", parent, `"ParentID":0`, `"ParentID":`+invoiced), "record payment " + child + ": its parent " + parent + " is a child"},
		"no child":            {remove("payment", child), "record payment " + parent + ": its children are [], not [" + child + "]"},
		"a disowned child":    {change("payment", parent, `"ChildIDs":\[\d+\]`, `"ChildIDs":[]`), "record payment " + parent + ": its children are [" + child + "], not []"},
		"no invoice":          {remove("invoice", invoice), "record payment " + invoiced + ": its invoice " + invoice + " is missing"},
		"an id to come":       {change("account", "main", `"IDs":\d+`, `"IDs":`+bottom(t)), "was not assigned yet"},
		"an id twice":         {change("invoice", invoice, `"TokenID":\d+`, `"TokenID":`+invoice), "record invoice " + invoice + ": id " + invoice + " is also that of a record invoice"},
		"a payment's id":      {change("invoice", invoice, `"TokenID":\d+`, `"TokenID":`+parent), "record payment " + parent + ": id " + parent + " is also that of a record invoice"},
		"no coin":             {remove("currency", "pepe"), `coin "pepe" is not known`},
		"an odd coin":         {add("currency", "a b", `{"Ticker":"a b","Place":13,"Offered":true,"USD":"1","Minimum":"0"}`), "record currency a b: it is no ticker"},
		"out of its place":    {change("currency", "pepe", `"Place":12`, `"Place":13`), "record currency pepe: place 13 should be 12"},
		"fiat on offer":       {change("currency", "eur", `"Offered":false`, `"Offered":true`), "record currency eur: it is not a coin"},
		"free money":          {change("currency", "eur", `"USD":"1.1"`, `"USD":"0"`), "record currency eur: price must be greater than 0"},
		"a huge price":        {change("currency", "eur", `"USD":"1.1"`, `"USD":"1e9999"`), "record currency eur: price is too large"},
		"a negative minimum":  {change("currency", "eur", `"Minimum":"0"`, `"Minimum":"-1"`), "record currency eur: minimum is out of bounds"},
		"a huge amount":       {change("payment", parent, `"PayAmount":"[^"]*"`, `"PayAmount":"1e9999"`), "record payment " + parent + ": pay_amount is out of bounds"},
		"a negative deposit":  {change("payment", parent, `"ActuallyPaid":"`, `"ActuallyPaid":"-`), "record payment " + parent + ": actually_paid is out of bounds"},
		"a memo for nothing":  {change("payment", parent, `^{`, `{"Unassigned":["1"],`), "record payment " + parent + ": it has deposits without a memo, but no memo"},
		"less than nothing":   {change("payment", parent, `^{`, `{"Unassigned":["-1"],`), "record payment " + parent + ": unassigned is out of bounds"},
		"a negative refund":   {change("payment", parent, `^{`, `{"Refunded":"-1",`), "record payment " + parent + ": refunded is out of bounds"},
		"nothing to create":   {change("create", creates[2], `"Payment":{[^}]*}`, `"Done":false`), "record create " + creates[2] + ": it wants one of a payment and an invoice"},
		"two to create":       {change("create", creates[2], `"Payment":`, `"Invoice":{},"Payment":`), "record create " + creates[2] + ": it wants one of a payment and an invoice"},
		"created too early":   {change("create", creates[2], `}$`, `,"MadeID":`+parent+`}`), "record create " + creates[2] + ": it has made something before its time"},
		"never created":       {change("create", creates[0], `"MadeID":\d+`, `"MadeID":1`), "record create " + creates[0] + ": its payment 1 is missing"},
		"no such invoice":     {change("create", creates[1], `"MadeID":\d+`, `"MadeID":`+parent), "record create " + creates[1] + ": its invoice " + parent + " is missing"},
		"at no time":          {change("create", creates[2], `"At":"[^"]*"`, `"At":"0001-01-01T00:00:00Z"`), "record create " + creates[2] + ": a time is missing"},
		"a create's id twice": {change("create", creates[2], `"ID":\d+`, `"ID":`+parent), "record create " + creates[2] + ": its data are those of"},
		"no status":           {change("payment", parent, `"Status":"\w+"`, `"Status":""`), "record payment " + parent + ": status must have"},
		"an unknown case":     {change("payment", parent, `"Case":""`, `"Case":"x"`), "record payment " + parent + ": case must be"},
		"no time":             {change("payment", parent, `"CreatedAt":"[^"]*"`, `"CreatedAt":"0001-01-01T00:00:00Z"`), "record payment " + parent + ": a time is missing"},
		"no address":          {change("payment", parent, `"PayAddress":"[^"]*"`, `"PayAddress":""`), "record payment " + parent + ": its purchase or its address is missing"},
		"paid in dollars":     {change("payment", parent, `"PayCurrency":"btc"`, `"PayCurrency":"usd"`), `record payment ` + parent + `: coin "usd" is not known`},
		"priced in nothing":   {change("payment", parent, `"PriceCurrency":"usd"`, `"PriceCurrency":"zzz"`), `record payment ` + parent + `: currency "zzz" is not known`},
		"paid out in nothing": {change("payment", parent, `"PayoutCurrency":"\w+"`, `"PayoutCurrency":"zzz"`), `record payment ` + parent + `: currency "zzz" is not known`},
		"waits forever":       {change("payment", invoiced, `,"Due":"[^"]*"`, ``), "record payment " + invoiced + ": it waits without an end"},
		"due after the end":   {change("payment", invoiced, `"Status":"waiting"`, `"Status":"finished"`), "record payment " + invoiced + ": nothing is due at status finished"},
		"an unpriced invoice": {change("invoice", invoice, `"PriceCurrency":"usd"`, `"PriceCurrency":"zzz"`), `record invoice ` + invoice + `: currency "zzz" is not known`},
		"an odd transfer":     {change("transfer", last, `"Currency":"pepe"`, `"Currency":"usd"`), `record transfer ` + last + `: coin "usd" is not known`},
		"a negative fee":      {change("transfer", last, `"Fee":"0"`, `"Fee":"-1"`), `record transfer ` + last + `: fee is out of bounds`},
		"no batch":            {change("transfer", transfers[0], `"BatchID":\d+`, `"BatchID":0`), `record transfer ` + transfers[0] + `: id 0 was not assigned yet`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shelf{}
			require.NoError(t, s.save(good.records()))
			c.ruin(t, s)
			err := newWorld(t, engine.Config{}).Restore(s.records())
			require.ErrorContains(t, err, c.want)
		})
	}
	twice := append(good.records(), good.records()[0])
	require.ErrorContains(t, newWorld(t, engine.Config{}).Restore(twice), "it is there twice")
}

func TestRestoreKeepsDepositsWithoutMemo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Config{})
	w.Keep()
	p, err := w.CreatePayment(engine.PaymentRequest{PriceAmount: dec("52"), PriceCurrency: "usd", PayCurrency: "xrp"})
	require.NoError(t, err)
	for _, amount := range []string{"30", "70"} {
		_, err = w.DepositWithoutMemo(p.ID, dec(amount))
		require.NoError(t, err)
	}
	s := shelf{}
	require.NoError(t, w.Save(s.save))
	again := newWorld(t, engine.Config{})
	require.NoError(t, again.Restore(s.records()))
	for _, want := range []string{"30", "70"} {
		found, err := again.FindDeposit(p.ID)
		require.NoError(t, err)
		assert.Equal(t, want, found.ActuallyPaid.String())
	}
	_, err = again.FindDeposit(p.ID)
	require.ErrorContains(t, err, "no coins came")
}

// bottom is where the ids of the seed begin.
func bottom(t *testing.T) string {
	t.Helper()
	w := newWorld(t, engine.Config{})
	w.Keep()
	s := shelf{}
	require.NoError(t, w.Save(s.save))
	_, rest, _ := strings.Cut(s[[2]string{"account", "main"}], `"IDs":`)
	number, _, _ := strings.Cut(rest, ",")
	return number
}

// Whatever is in a record, it is rejected or it makes an engine that works.
func FuzzRestore(f *testing.F) {
	for _, data := range []string{
		`{"PriceAmount":"64","PriceCurrency":"usd","PayAmount":"0.001","PayCurrency":"btc","PurchaseID":1,"PayoutCurrency":"usdttrc20",` +
			`"ID":5308546000,"Status":"waiting","PayAddress":"3a","CreatedAt":"2026-03-14T12:00:00Z","UpdatedAt":"2026-03-14T12:00:00Z","Due":"2026-03-14T12:00:00Z"}`,
		`{"Ticker":"pepe","Place":12,"Offered":true,"USD":"1","Minimum":"0"}`,
		`{"PriceAmount":"64","PriceCurrency":"usd","ID":5308546000,"TokenID":5308546001,"CreatedAt":"2026-03-14T12:00:00Z"}`,
		`{"Recurring":true,"Currency":"btc","Amount":"1","ID":5308546000,"Status":"WAITING","CreatedAt":"2026-03-14T12:00:00Z"}`,
		`{"Version":1,"Seed":0,"IDs":1,"Logins":1,"Ahead":1}`,
		`{"ID":5308546000,"At":"2026-03-14T12:00:00Z","Payment":{"PriceAmount":"64","PriceCurrency":"usd","PayCurrency":"btc"}}`,
		`{"ID":5308546000,"At":"2026-03-14T12:00:00Z","Invoice":{"PriceAmount":"64","PriceCurrency":"usd"},"Done":true}`,
	} {
		for _, kind := range []string{"payment", "currency", "invoice", "transfer", "account", "create"} {
			f.Add(kind, "5308546000", data)
		}
		f.Add("currency", "pepe", data)
	}
	f.Fuzz(func(t *testing.T, kind, id, data string) {
		w := newWorld(t, engine.Config{})
		w.Keep()
		for range 3 {
			w.create(t)
		}
		s := shelf{}
		require.NoError(t, w.Save(s.save))
		s[[2]string{kind, id}] = data
		again := newWorld(t, engine.Config{})
		if again.Restore(s.records()) != nil {
			return
		}
		again.pass(1000 * 24 * time.Hour)
		for _, p := range again.Payments() {
			_, _ = again.Deposit(p.ID, dec("0.001"))
			_, _ = again.Settle(p.ID)
		}
		again.create(t)
	})
}
