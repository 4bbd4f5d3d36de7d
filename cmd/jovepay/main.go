// Jovepay is JovePay's command line. It creates and watches payments, sends,
// receives and verifies notifications, and runs a sandbox on this machine.
//
//	go -C cmd/jovepay install .
//	jovepay help
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/command"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	// A closed pipe is a write error rather than the end of the program: the ID
	// of a payment that was just created must not be lost.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		received := <-signals
		signal.Stop(signals) // a second one kills the program
		cancel(fail.SignalError{Signal: received})
	}()
	code := command.Main(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	cancel(nil)
	os.Exit(code)
}
