package main

import (
	"net/http"

	"github.com/jovepay/jovepay-go"
)

// netHTTPHandler receives notifications with net/http alone.
func netHTTPHandler(verifier *jovepay.IPNVerifier, shop *shop) http.Handler {
	router := http.NewServeMux()
	router.Handle("POST /ipn", verifier.Handler(shop.apply))
	return router
}
