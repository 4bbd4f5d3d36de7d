package control

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

func account(s *jovepaytest.Server, w http.ResponseWriter, _ *http.Request) error {
	return write(w, http.StatusOK, struct {
		BaseURL   string `json:"base_url"`
		APIKey    string `json:"api_key"`
		Email     string `json:"email"`
		Password  string `json:"password"`
		IPNSecret string `json:"ipn_secret"`
	}{s.URL, s.APIKey, s.Email, s.Password, s.IPNSecret})
}

func clock(s *jovepaytest.Server, w http.ResponseWriter, _ *http.Request) error {
	return write(w, http.StatusOK, struct {
		Now time.Time `json:"now"`
	}{s.Now()})
}

func deliveries(s *jovepaytest.Server, w http.ResponseWriter, _ *http.Request) error {
	return write(w, http.StatusOK, struct {
		Deliveries []jovepaytest.Delivery `json:"deliveries"`
	}{s.Deliveries()})
}

// journal responds with JSON lines.
func journal(s *jovepaytest.Server, w http.ResponseWriter, _ *http.Request) error {
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

type difference struct {
	Line int               `json:"line"` // of the journal, from 1
	Text string            `json:"text"` // all of it, for people
	Want jovepaytest.Entry `json:"want"`
	Got  jovepaytest.Entry `json:"got"`
}

// replay reads a journal and responds with what came out differently.
func replay(s *jovepaytest.Server, w http.ResponseWriter, r *http.Request) error {
	lines, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJournal))
	if err != nil {
		return unreadable{err}
	}
	found, err := s.Replay(r.Context(), bytes.NewReader(lines))
	if err != nil {
		return unreadable{err}
	}
	list := make([]difference, len(found))
	for i, d := range found {
		list[i] = difference{d.Line, d.String(), d.Want, d.Got}
	}
	return write(w, http.StatusOK, struct {
		Differences []difference `json:"differences"`
	}{list})
}
