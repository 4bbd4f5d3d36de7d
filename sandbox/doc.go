// Package sandbox is a whole JovePay on this machine: the emulator of package
// jovepaytest with the page that an invoice_url opens, an API to play the
// customer and the network from any language, and a file that keeps it all.
//
//	s, err := sandbox.New(
//		sandbox.WithStateFile("jovepay.state"),
//		sandbox.WithServer(
//			jovepaytest.WithAddress("127.0.0.1:4010"),
//			jovepaytest.WithAutoAdvance(2*time.Second), // statuses to look at
//		),
//	)
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//
// The command line has it ready-made: jovepay sandbox.
//
// # The page
//
// At /payment/?iid= the customer chooses a coin, and at /payment/?pid= pays: it
// shows amount, network, address, memo and QR code, counts down, and follows
// the payment to its end and back to the shop. It works without JavaScript.
// Beneath it, set apart, are buttons that pay exactly, too little, too much,
// in the wrong coin, twice, or never.
//
// # The control API
//
// Below /sandbox/v1/ there is a call for whatever a method of
// [jovepaytest.Server] does. docs/sandbox.md has them all. They need no key:
// what is not addressed to this machine, or comes from the page of another
// site, is rejected.
package sandbox
