// Package sandbox is a complete JovePay on this machine: the emulator of package
// jovepaytest with the page that an invoice_url opens, an API to play the
// customer and the network from any language, and a file that keeps everything.
//
//	s, err := sandbox.New(
//		sandbox.WithStateFile("jovepay.state"),
//		sandbox.WithServer(
//			jovepaytest.WithAddress("127.0.0.1:4010"),
//			jovepaytest.WithAutoAdvance(2*time.Second), // so that each status is visible
//		),
//	)
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//
// The command "jovepay sandbox" runs one.
//
// # The page
//
// At /payment/?iid= the customer chooses a coin, and at /payment/?pid= pays. The
// page shows amount, network, address, memo and QR code, counts down, and follows
// the payment to its end and back to the shop. It works without JavaScript. A
// separate panel below has buttons that pay exactly, too little, too much, in the
// wrong coin, twice, without the memo, or never.
//
// # The control API
//
// Below /sandbox/v1/ there is a call for each of [jovepaytest.Actions].
// docs/sandbox.md lists them. They require no key: requests that are not addressed
// to this machine, or come from a page of another site, are rejected.
package sandbox
