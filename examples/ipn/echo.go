package main

import (
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/jovepay/jovepay-go"
)

// echoHandler receives notifications in an echo.HandlerFunc. Where the status
// codes are all that matters, echo.WrapHandler(verifier.Handler(shop.apply))
// does the same.
func echoHandler(verifier *jovepay.IPNVerifier, shop *shop) http.Handler {
	router := echo.New()
	router.Use(middleware.RequestLogger(), middleware.Recover())
	router.POST("/ipn", func(c *echo.Context) error {
		event, err := verifier.ParseRequest(c.Request())
		if err != nil {
			return echo.NewHTTPError(rejection(err), "").Wrap(err)
		}
		if err := shop.apply(c.Request().Context(), event); err != nil {
			return err // echo responds with 500 and keeps the reason to itself
		}
		return c.NoContent(http.StatusOK)
	})
	return router
}
