package jovepay_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jovepay/jovepay-go"
)

// shelf is a payment list that changes, answering in this process so that
// time can be fake.
type shelf struct {
	mu      sync.Mutex
	rows    []int // payment ids in the order of the list
	last    int   // the largest id
	asked   []int // pages
	running int
	most    int // that ran at the same time

	transit func() time.Duration // on the way to it, and the same back
	before  func(request int)    // under the lock, before a request is answered
	fail    func(page int) int   // status of an error, or 0
	cap     int                  // the largest page it gives, if not 0
	lie     func(*sheet)         // changes a page before it is sent
}

// sheet is a page of the list, as it is sent.
type sheet struct {
	asked, request          int // page number, and how many requests there were, this one too
	size                    int // of a page
	list                    []int
	rows                    []int
	limit, page, pagesCount int
	total                   int
	silent                  bool // without any number
	status                  int  // of an error
}

// cut fills in the rows from a list, as page number of the size.
func (s *sheet) cut(list []int, number int) {
	s.rows = nil
	if number >= 0 {
		first := min(len(list), number*s.size)
		s.rows = list[first:min(len(list), first+s.size)]
	}
}

func (s *sheet) text() string {
	var b strings.Builder
	b.WriteString(`{"data":[`)
	for i, id := range s.rows {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"payment_id":%d}`, id)
	}
	b.WriteByte(']')
	if !s.silent {
		fmt.Fprintf(&b, `,"limit":%d,"page":%d,"pagesCount":%d,"total":%d`, s.limit, s.page, s.pagesCount, s.total)
	}
	b.WriteByte('}')
	return b.String()
}

func newShelf(n int) *shelf {
	s := &shelf{last: n}
	for id := range n {
		s.rows = append(s.rows, id+1)
	}
	return s
}

func (s *shelf) insert(at int) {
	s.last++
	s.rows = slices.Insert(s.rows, at, s.last)
}

func (s *shelf) respond(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/v1/auth" {
		return plainResponse(http.StatusOK, `{"token":"`+token()+`"}`), nil
	}
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.running--; s.mu.Unlock() }()
	if err := s.travel(r.Context()); err != nil {
		return nil, err
	}
	res := s.answer(r)
	if err := s.travel(r.Context()); err != nil {
		return nil, err
	}
	return res, nil
}

func (s *shelf) travel(ctx context.Context) error {
	if s.transit == nil {
		return ctx.Err()
	}
	s.mu.Lock()
	d := s.transit()
	s.mu.Unlock()
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shelf) answer(r *http.Request) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	s.asked = append(s.asked, page)
	if s.before != nil {
		s.before(len(s.asked))
	}
	if s.fail != nil {
		if status := s.fail(page); status != 0 {
			return plainResponse(status, `{"message":"x"}`)
		}
	}
	size := cmp.Or(min(limit, cmp.Or(s.cap, limit)), 10)
	sent := &sheet{
		asked: page, request: len(s.asked), size: size, list: slices.Clone(s.rows),
		limit: size, page: page, pagesCount: (len(s.rows) + size - 1) / size, total: len(s.rows),
	}
	sent.cut(sent.list, page)
	if s.lie != nil {
		s.lie(sent)
	}
	if sent.status != 0 {
		return plainResponse(sent.status, `{"message":"x"}`)
	}
	return plainResponse(http.StatusOK, sent.text())
}

func (s *shelf) client(tb testing.TB) *jovepay.Client {
	tb.Helper()
	return newClient(tb, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(s.respond)}))
}

// collect walks the list to its end.
func collect(ctx context.Context, client *jovepay.Client, opts jovepay.PaymentListOptions) (ids []int, err error) {
	for payment, failed := range client.Payments.All(ctx, opts) {
		if failed != nil {
			return ids, failed
		}
		id, _ := strconv.Atoi(payment.ID.String())
		ids = append(ids, id)
	}
	return ids, nil
}

func upTo(n int) []int { return newShelf(n).rows }
