// Command natsserver is a NATS server with JetStream that the proof can kill.
//
//	natsserver 127.0.0.1:4222 directory
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "natsserver:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("want an address and a directory")
	}
	host, port, err := net.SplitHostPort(args[0])
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	srv, err := server.NewServer(&server.Options{Host: host, Port: number, JetStream: true, StoreDir: args[1]})
	if err != nil {
		return err
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		return errors.New("not ready")
	}
	_, _ = fmt.Fprintf(os.Stdout, "serving on nats://%s\n", args[0])
	srv.WaitForShutdown()
	return nil
}
