package jovepay_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/jovepay/jovepay-go"
)

// The handler verifies each notification, gives it to the function, and
// answers: 200 if the function returned nil, 500 to have it sent again.
func ExampleIPNVerifier_Handler() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /ipn", verifier.Handler(func(_ context.Context, event jovepay.Event) error {
		if payment, ok := event.(*jovepay.PaymentEvent); ok && payment.Status == jovepay.PaymentFinished {
			fmt.Printf("order %s: %s %s arrived\n", payment.OrderID, payment.ActuallyPaid, payment.PayCurrency)
		}
		return nil
	}))

	// JovePay delivers a notification, and somebody else tries to.
	body := `{"payment_id":5745459419,"payment_status":"finished","order_id":"A-1","actually_paid":15,"pay_currency":"trx"}`
	for _, signature := range []string{verifier.Sign([]byte(body)), "00"} {
		r := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body))
		r.Header.Set(jovepay.IPNSignatureHeader, signature)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println("answer:", w.Code)
	}
	// Output:
	// order A-1: 15 trx arrived
	// answer: 200
	// answer: 401
}

// A type switch tells the kinds of events apart.
func ExampleEvent() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, body := range []string{
		`{"payment_id":1,"parent_payment_id":7,"payment_status":"finished","actually_paid":0.5,"pay_currency":"btc"}`,
		`{"id":"2","batch_withdrawal_id":"3","status":"CREATING","currency":"usdttrc20","amount":"50","address":"T9yD14"}`,
		`{"id":"4","status":"FINISHED","currency":"trx","amount":"12.171365564140688"}`,
		`{"something":"new"}`,
	} {
		event, err := verifier.Parse([]byte(body), verifier.Sign([]byte(body)))
		if err != nil {
			fmt.Println(err)
			return
		}
		switch e := event.(type) {
		case *jovepay.PaymentEvent:
			fmt.Println("payment", e.ID, e.Status, "repeated deposit:", e.ParentPaymentID != "")
		case *jovepay.WithdrawalEvent:
			fmt.Println("withdrawal", e.ID, e.Status, e.Amount, e.Currency)
		case *jovepay.RecurringPaymentEvent:
			fmt.Println("recurring payment", e.ID, e.Status, e.Amount, e.Currency)
		case *jovepay.UnknownEvent:
			fmt.Println("not known yet:", string(e.Raw))
		}
	}
	// Output:
	// payment 1 finished repeated deposit: true
	// withdrawal 2 CREATING 50 usdttrc20
	// recurring payment 4 FINISHED 12.171365564140688 trx
	// not known yet: {"something":"new"}
}

func ExampleIPNVerifier_Verify() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"payment_id":1,"payment_status":"waiting"}`)
	signature := verifier.Sign(body)

	fmt.Println(verifier.Verify(body, signature))
	fmt.Println(verifier.Verify(body, ""))
	fmt.Println(verifier.Verify([]byte(`{"payment_id":1,"payment_status":"finished"}`), signature))
	fmt.Println(verifier.Verify([]byte(`{"payment_id":1,"payment_id":2}`), signature))
	// Output:
	// <nil>
	// jovepay: IPN has no signature
	// jovepay: IPN signature does not match
	// jovepay: IPN is malformed: duplicate name at byte 16
}

// Parse verifies and reads in one step. The key of the event is the same for
// every delivery of it.
func ExampleIPNVerifier_Parse() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	first := []byte(`{"payment_id":1,"payment_status":"finished","pay_amount":1.50,"pay_currency":"trx"}`)
	again := []byte(`{"payCurrency":"TRX","payAmount":"1.5","paymentId":"1","paymentStatus":"finished"}`)

	event, err := verifier.Parse(first, verifier.Sign(first))
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := verifier.Parse(again, verifier.Sign(again))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the same event:", event.Key() == second.Key())
	// Output:
	// the same event: true
}

// ParseRequest is for routers that want a handler of their own.
func ExampleIPNVerifier_ParseRequest() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		event, err := verifier.ParseRequest(r)
		switch {
		case errors.Is(err, jovepay.ErrIPNTooLarge):
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case errors.Is(err, jovepay.ErrMalformedIPN):
			w.WriteHeader(http.StatusBadRequest)
		case err != nil:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Printf("%T\n", event)
		}
	}

	for _, body := range []string{`{"payment_id":1}`, `{"payment_id":`} {
		r := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body))
		r.Header.Set(jovepay.IPNSignatureHeader, verifier.Sign([]byte(`{"payment_id":1}`)))
		w := httptest.NewRecorder()
		handler(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// *jovepay.PaymentEvent
	// 200
	// 400
}

// While the secret changes, both the new and the old one are accepted. Which
// of them signed is told, so that it can be seen when the old one has run dry.
func ExampleWithFurtherSecret() {
	verifier, err := jovepay.NewIPNVerifier("new secret", jovepay.WithFurtherSecret("old secret"))
	if err != nil {
		fmt.Println(err)
		return
	}
	old, err := jovepay.NewIPNVerifier("old secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"payment_id":1,"payment_status":"waiting"}`)
	for _, signer := range []*jovepay.IPNVerifier{verifier, old} {
		event, err := verifier.Parse(body, signer.Sign(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("secret", event.Verification().Secret)
	}
	// Output:
	// secret 0
	// secret 1
}

// Diagnose helps while a shop is being built. Here a framework has decoded the
// body and encoded it again before it was verified.
func ExampleIPNVerifier_Diagnose() {
	verifier, err := jovepay.NewIPNVerifier("the IPN secret key from the dashboard", jovepay.WithIPNForms(jovepay.FormRaw))
	if err != nil {
		fmt.Println(err)
		return
	}
	sent := []byte(`{"paymentId":1,"url":"https://shop.example/"}`)
	arrived := []byte(`{"paymentId":1,"url":"https:\/\/shop.example\/"}`)
	fmt.Println(verifier.Diagnose(arrived, verifier.Sign(sent)))
	// Output:
	// jovepay: IPN signature does not match
	// - It matches with secret 0 over the body before it was changed on its way: slashes were escaped, as PHP's json_encode does. Verify the bytes as they arrive, before anything parses them.
}
