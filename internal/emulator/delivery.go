package emulator

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// delivery brings one response to the client, or fails to.
type delivery struct {
	w       http.ResponseWriter
	ctx     context.Context //nolint:containedctx // it lives no longer than the request it belongs to
	latency time.Duration
	fault   *Fault
}

// survives waits as long as the response takes, and reports whether there is
// still a connection to respond on.
func (d *delivery) survives() bool {
	wait := d.latency + d.fault.Delay
	if d.pause(wait) && !d.fault.Hang && !d.fault.Cut {
		return true
	}
	if d.fault.Hang {
		<-d.ctx.Done()
	}
	d.cut()
	return false
}

// pause reports whether the time passed before the client left or the server
// was closed, which both end the request's context.
func (d *delivery) pause(wait time.Duration) bool {
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.ctx.Done():
		return false
	}
}

// cut closes the connection as it is. A ResponseWriter that is no connection
// is left without a response.
func (d *delivery) cut() {
	conn, _, err := http.NewResponseController(d.w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// send writes the response as the fault has it. Errors mean that the client
// left, which is its right. A body shorter than its announced length makes the
// server close the connection.
func (d *delivery) send(res *response) {
	maps.Copy(d.w.Header(), res.header)
	if d.fault.Size > 0 {
		d.flood(res)
		return
	}
	body := res.body
	if res.status == http.StatusNoContent || res.status == http.StatusNotModified {
		body = nil
	} else {
		d.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	d.w.WriteHeader(res.status)
	body = body[:max(0, len(body)-d.fault.Truncate)]
	if d.fault.Drip > 0 {
		d.drip(body)
		return
	}
	_, _ = d.w.Write(body)
}

// drip writes byte by byte.
func (d *delivery) drip(body []byte) {
	flush := http.NewResponseController(d.w).Flush
	for i := range body {
		if i > 0 && !d.pause(d.fault.Drip) {
			return
		}
		if _, err := d.w.Write(body[i : i+1]); err != nil || flush() != nil {
			return
		}
	}
}

// flood repeats the body until the fault's size is reached. The length is not
// announced.
func (d *delivery) flood(res *response) {
	d.w.WriteHeader(res.status)
	pattern := res.body
	if len(pattern) == 0 {
		pattern = []byte(" ")
	}
	chunk := bytes.Repeat(pattern, 1+(32<<10)/len(pattern))
	for left := d.fault.Size; left > 0; {
		n, err := d.w.Write(chunk[:min(int64(len(chunk)), left)])
		left -= int64(n)
		if err != nil {
			return
		}
	}
}
