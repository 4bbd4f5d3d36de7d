package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/jovepay/jovepay-go"
)

// chiHandler receives notifications with chi, behind its middleware.
func chiHandler(verifier *jovepay.IPNVerifier, shop *shop) http.Handler {
	router := chi.NewRouter()
	router.Use(middleware.Logger, middleware.Recoverer)
	router.Method(http.MethodPost, "/ipn", verifier.Handler(shop.apply))
	return router
}
