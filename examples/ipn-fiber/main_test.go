package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/examples/internal/shoptest"
)

// Of fasthttp one goroutine runs for ever, and one of every server ends some
// seconds after it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

func TestServe(t *testing.T) { shoptest.Run(t, serve) }
