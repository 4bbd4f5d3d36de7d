package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/examples/internal/shoptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServe(t *testing.T) { shoptest.Run(t, serve) }
