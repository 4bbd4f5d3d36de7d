// Jovepay is the command line of JovePay: it asks the API, makes payments and
// watches them, sends, receives and judges notifications, and runs a JovePay
// on this machine.
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
	// A reader that has gone is an error of the write, and not the end of the
	// program: what was just made has an id that must not be lost.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		received := <-signals
		signal.Stop(signals) // a second one ends the program at once
		cancel(fail.SignalError{Signal: received})
	}()
	code := command.Main(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	cancel(nil)
	os.Exit(code)
}
