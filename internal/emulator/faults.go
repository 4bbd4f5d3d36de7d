package emulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// Fault is a failure of requests. It is documented in
// package jovepaytest, whose Fault has the same fields.
type Fault struct {
	Method, Path string
	Skip         int
	Times        int
	Percent      int
	AfterEffect  bool
	EffectAfter  time.Duration

	Delay time.Duration
	Hang  bool
	Cut   bool

	Status int
	Header http.Header
	Body   string
	Empty  bool

	Size     int64
	Truncate int
	Drip     time.Duration
}

// Validate rejects what can only be a mistake.
func (f Fault) Validate() error {
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("fault: status %d is not from 200 to 599", f.Status)
	case f.Percent < 0 || f.Percent > 100:
		return fmt.Errorf("fault: percent %d is not from 0 to 100", f.Percent)
	case f.Skip < 0 || f.Times < 0 || f.EffectAfter < 0 || f.Delay < 0 || f.Size < 0 || f.Truncate < 0 || f.Drip < 0:
		return fmt.Errorf("fault: a number is negative")
	case f.Empty && (f.Body != "" || f.Size > 0):
		return fmt.Errorf("fault: the body is both empty and given")
	case f.Hang && f.Cut:
		return fmt.Errorf("fault: a connection that hangs is not cut")
	case (f.Hang || f.Cut) && f.responds():
		return fmt.Errorf("fault: a connection that hangs or is cut carries no response")
	case f.AfterEffect && f.EffectAfter > 0:
		return fmt.Errorf("fault: the effect is both before the response and after it")
	case f.EffectAfter > 0 && f.responds() && f.Status == 0:
		return fmt.Errorf("fault: before the effect a response needs a status")
	case !f.Hang && !f.Cut && !f.responds() && f.Delay == 0 && f.EffectAfter == 0:
		return fmt.Errorf("fault: it changes no response")
	}
	return nil
}

// responds reports whether the fault changes the response or how it is sent.
func (f *Fault) responds() bool {
	return f.Status != 0 || len(f.Header) > 0 || f.Body != "" || f.Empty ||
		f.Size > 0 || f.Truncate > 0 || f.Drip > 0
}

// waits reports whether the request has its effect, if any, only once the
// response is due.
func (f *Fault) waits() bool { return !f.AfterEffect && f.EffectAfter == 0 }

// change makes the response the fault's own where the fault has one.
func (f *Fault) change(res *response) {
	if f.Status >= http.StatusBadRequest && f.Body == "" && !f.Empty {
		res.body = nil
		code := strings.ToUpper(strings.ReplaceAll(http.StatusText(f.Status), " ", "_"))
		writeStatus(res, f.Status, engine.Code(code), "injected fault")
	}
	if f.Status != 0 {
		res.status = f.Status
	}
	if f.Empty {
		res.body = nil
	}
	if f.Body != "" {
		res.body = []byte(f.Body)
		res.header.Set("Content-Type", contentType(res.body))
	}
	maps.Copy(res.header, f.Header)
}

func contentType(body []byte) string {
	if jsontext.Value(body).IsValid() {
		return "application/json; charset=utf-8"
	}
	return http.DetectContentType(body)
}

// matches reports whether a method and path are meant: "" means any, and a
// path that ends in * means all that begin so.
func matches(method, path, gotMethod, gotPath string) bool {
	if method != "" && method != gotMethod {
		return false
	}
	if prefix, open := strings.CutSuffix(path, "*"); open {
		return strings.HasPrefix(gotPath, prefix)
	}
	return path == "" || path == gotPath
}

// faults are those that wait for a request. Its zero value has none.
type faults struct {
	seed uint64
	mu   sync.Mutex
	list []*pendingFault
}

type pendingFault struct {
	Fault
	seen int64
	hits int
}

func (fs *faults) inject(add []Fault) error {
	pending := make([]*pendingFault, len(add))
	for i, f := range add {
		if err := f.Validate(); err != nil {
			return err
		}
		header := make(http.Header, len(f.Header))
		for name, values := range f.Header {
			header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
		}
		f.Header = header
		f.Hang = f.Hang || f.EffectAfter > 0 && f.Status == 0 && !f.Cut // there is no response yet
		pending[i] = &pendingFault{Fault: f}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = append(fs.list, pending...)
	return nil
}

func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = nil
}

// take returns the fault that hits the request, or nil.
func (fs *faults) take(r *http.Request) *Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, p := range fs.list {
		if !matches(p.Method, p.Path, r.Method, r.URL.Path) {
			continue
		}
		p.seen++
		if p.seen <= int64(p.Skip) || p.Percent > 0 && !engine.Percent(fs.seed, p.seen, p.Percent) {
			continue
		}
		p.hits++
		if p.hits == p.Times {
			fs.list = slices.Delete(fs.list, i, i+1)
		}
		return &p.Fault
	}
	return nil
}
