package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/pat"
)

// status is what a running d2gate says of itself.
type status struct {
	Version    string        `json:"version"`
	PID        int           `json:"pid"`
	Started    time.Time     `json:"started"`
	Listen     string        `json:"listen"`
	PublicURL  string        `json:"publicUrl"`
	Admin      string        `json:"adminListen"`
	Upstream   string        `json:"upstream"`
	Identity   string        `json:"identity"`
	Config     string        `json:"config,omitempty"`
	Hash       string        `json:"hash"`
	Demo       bool          `json:"demo,omitempty"`
	Tokens     int           `json:"tokens"`
	Cache      pat.Stats     `json:"tokenCache"`
	NotInForce []string      `json:"notInForce,omitempty"`
	LastReload *reloadResult `json:"lastReload,omitempty"`
	Conditions []condition   `json:"conditions"`
	Sessions   *int64        `json:"sandboxSessionsOpened,omitempty"`
}

func (g *gateway) status(ctx context.Context, s *server) status {
	cfg := g.inForce.Load()
	st := status{
		Version: buildInfo().Version, PID: os.Getpid(), Started: g.started.UTC(), Listen: s.listeners.gateway.Addr().String(),
		PublicURL: cfg.Server.PublicURL.String(), Admin: s.listeners.admin.Addr().String(), Upstream: cfg.Upstream.URL.Redacted(),
		Identity: cfg.Upstream.Identity.Mode, Config: cfg.File, Hash: short(cfg.Hash), Demo: s.demo, Cache: g.verifier.Stats(),
		NotInForce: notInForce(cfg), LastReload: g.last.Load(), Conditions: g.conditions(ctx),
	}
	if n, err := g.store.CountTokens(ctx, pat.Filter{}); err == nil { // the condition "store" tells why not
		st.Tokens = n
	}
	if s.sandbox != nil {
		n := s.sandbox.sessions()
		st.Sessions = &n
	}
	return st
}

// backup answers the verb backup of a running d2gate.
func (g *gateway) backup(r *http.Request) (struct{}, error) {
	var to map[string]string
	if err := decodeAdmin(r, &to); err != nil {
		return struct{}{}, err
	}
	if !filepath.IsAbs(to["path"]) {
		return struct{}{}, errors.New("backup: the path must be absolute")
	}
	return struct{}{}, g.store.Backup(r.Context(), to["path"])
}

// running is the d2gate that a verb needs to be running.
func (p *program) running(file string) (*remote, error) { return p.runningIn(file, "") }

// runningIn also finds a demo whose data is elsewhere.
func (p *program) runningIn(file, data string) (*remote, error) {
	if file == "" && data != "" {
		return reach(filepath.Join(data, "admin.sock"))
	}
	at, err := p.place(file)
	if err != nil {
		return nil, err
	}
	return reach(at.cfg.Admin.Socket)
}

func (p *program) statusCommand() *cobra.Command {
	c := &cobra.Command{Use: "status", Short: "Say how a running d2gate is", Args: cobra.NoArgs}
	file := configFlag(c)
	o := outputFlag(c, "table", "json", "yaml")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		server, err := p.running(*file)
		if err != nil {
			return err
		}
		var s status
		if err := server.call(c.Context(), http.MethodGet, "/status", nil, &s); err != nil {
			return err
		}
		return p.print(o, view{data: s, table: func(w io.Writer) { statusTable(w, s) }})
	}
	return c
}

func statusTable(w io.Writer, s status) {
	row(w, "version", s.Version)
	row(w, "process", strconv.Itoa(s.PID)+", up "+spanWords(time.Since(s.Started)))
	row(w, "gateway", s.Listen+" as "+s.PublicURL)
	row(w, "admin", s.Admin)
	row(w, "upstream", s.Upstream+" by "+s.Identity)
	config := s.Config
	if s.Demo {
		config = "demo mode"
	}
	row(w, "config", config+" "+s.Hash)
	if r := s.LastReload; r != nil {
		row(w, "reload", r.Result+" "+r.At.Format(time.RFC3339))
	}
	row(w, "tokens", strconv.Itoa(s.Tokens))
	for _, c := range s.Conditions {
		row(w, c.String())
	}
}
