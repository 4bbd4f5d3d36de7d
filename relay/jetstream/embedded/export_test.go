package embedded

import (
	"log/slog"

	"github.com/nats-io/nats-server/v2/server"
)

// Start starts the server of [Open].
func Start(dir string) (*server.Server, error) { return start(dir, slog.New(slog.DiscardHandler)) }
