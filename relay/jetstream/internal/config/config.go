// Package config holds what the options of package jetstream set. Package
// embedded, which is a separate module, reads it too.
package config

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// Config is what the options of a broker set.
type Config struct {
	Name     string
	Replicas int
	NATS     []nats.Option
	Log      *slog.Logger
	AckWait  time.Duration // 0 is the default

	// Exclusive means that no other process can hold messages of this broker:
	// those that a killed process held are delivered again immediately.
	Exclusive bool
}

// New returns the defaults, changed by opts. A nil option changes nothing.
func New[Option ~func(*Config) error](opts []Option) (Config, error) {
	c := Config{Name: "jovepay-ipn", Replicas: 1, Log: slog.Default()}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&c); err != nil {
			return c, fmt.Errorf("jetstream: %w", err)
		}
	}
	return c, nil
}
