package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/jovepay/jovepay-go"
)

// ginHandler receives notifications in a gin.HandlerFunc. Where the status codes
// are all that matters, gin.WrapH(verifier.Handler(shop.apply)) does the same.
func ginHandler(verifier *jovepay.IPNVerifier, shop *shop) http.Handler {
	router := gin.Default() // logs requests and recovers from panics
	router.POST("/ipn", func(c *gin.Context) {
		event, err := verifier.ParseRequest(c.Request)
		if err != nil {
			_ = c.AbortWithError(rejection(err), err)
			return
		}
		if err := shop.apply(c.Request.Context(), event); err != nil {
			_ = c.AbortWithError(http.StatusInternalServerError, err)
			return
		}
		c.Status(http.StatusOK)
	})
	return router
}
