package fail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/jovepay/jovepay-go"
)

func TestCodes(t *testing.T) {
	t.Parallel()
	interrupted, cancel := context.WithCancelCause(t.Context())
	cancel(SignalError{os.Interrupt})
	terminated, cancel := context.WithCancelCause(t.Context())
	cancel(SignalError{syscall.SIGTERM})
	unknown := fmt.Errorf("lost: %w", jovepay.ErrOutcomeUnknown)
	for _, test := range []struct {
		ctx  context.Context
		err  error
		want Code
	}{
		{t.Context(), nil, Done},
		{interrupted, nil, Done},
		{t.Context(), errors.New("odd"), Failed},
		{t.Context(), context.Canceled, Failed},
		{t.Context(), Usage("no"), BadUsage},
		{t.Context(), &jovepay.ValidationError{Field: "x"}, BadUsage},
		{t.Context(), &jovepay.APIError{StatusCode: 400}, Failed},
		{t.Context(), &jovepay.APIError{StatusCode: 401}, Unauthorized},
		{t.Context(), &jovepay.APIError{StatusCode: 403}, Unauthorized},
		{t.Context(), &jovepay.APIError{StatusCode: 404}, NotFound},
		{t.Context(), &jovepay.APIError{StatusCode: 500}, Failed},
		{t.Context(), jovepay.ErrSignatureMissing, NotGenuine},
		{t.Context(), jovepay.ErrSignatureMismatch, NotGenuine},
		{t.Context(), fmt.Errorf("%w: x", jovepay.ErrMalformedIPN), NotGenuine},
		{t.Context(), unknown, OutcomeUnknown},
		{interrupted, unknown, OutcomeUnknown},
		{interrupted, With(Failed, "", context.Canceled), Interrupted},
		{interrupted, context.Canceled, Interrupted},
		{interrupted, With(NotGenuine, "", errors.New("x")), NotGenuine},
		{t.Context(), &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, BrokenPipe},
		{t.Context(), &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, Failed},
		{terminated, context.Canceled, Terminated},
	} {
		assert.Equal(t, test.want, CodeOf(test.ctx, test.err), "%v", test.err)
	}
	assert.Equal(t, "interrupted", ReportOf(interrupted, context.Canceled).Message)
	assert.Equal(t, "failed", Code(99).String())
}
