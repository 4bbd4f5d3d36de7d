package control

import (
	"bytes"
	"io"
	"net/http"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// journal answers with JSON lines.
func (s server) journal(w http.ResponseWriter, _ *http.Request) error {
	var lines bytes.Buffer
	if err := s.WriteJournal(&lines); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = lines.WriteTo(w) // the caller may have left
	return nil
}

type differenceAnswer struct {
	Line int               `json:"line"` // of the journal, from 1
	Text string            `json:"text"` // the whole of it for people
	Want jovepaytest.Entry `json:"want"`
	Got  jovepaytest.Entry `json:"got"`
}

// replay takes a journal and answers with what came out otherwise.
func (s server) replay(w http.ResponseWriter, r *http.Request) error {
	lines, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJournal))
	if err != nil {
		return unreadable{err}
	}
	differences, err := s.Replay(r.Context(), bytes.NewReader(lines))
	if err != nil {
		return unreadable{err}
	}
	list := make([]differenceAnswer, len(differences))
	for i, d := range differences {
		list[i] = differenceAnswer{d.Line, d.String(), d.Want, d.Got}
	}
	return write(w, http.StatusOK, struct {
		Differences []differenceAnswer `json:"differences"`
	}{list})
}
