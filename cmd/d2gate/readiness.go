package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// livez says that the process answers.
func (g *gateway) livez(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // the asker hears it or asks again
}

// condition is one line of /readyz?verbose. A degraded one does not make the
// gateway unready: it can do nothing about DHIS2.
type condition struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Degraded bool   `json:"degraded,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

// readyz is 200 while requests can be judged and recorded, else 503. With verbose
// it names every condition.
func (g *gateway) readyz(w http.ResponseWriter, r *http.Request) {
	list := g.conditions(r.Context())
	status := http.StatusOK
	for _, c := range list {
		if !c.OK && !c.Degraded {
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	if r.URL.Query().Has("verbose") {
		for _, c := range list {
			fmt.Fprintln(w, c)
		}
	}
	fmt.Fprintln(w, map[bool]string{true: "ready", false: "not ready"}[status == http.StatusOK])
}

// String is the line of a condition.
func (c condition) String() string {
	mark := "[+]"
	switch {
	case c.OK:
	case c.Degraded:
		mark = "[~]"
	default:
		mark = "[-]"
	}
	s := mark + " " + c.Name
	if c.Detail != "" {
		s += ": " + c.Detail
	}
	return s
}

// conditions are what readiness stands on.
func (g *gateway) conditions(ctx context.Context) []condition {
	list := []condition{
		judge("serving", g.stopping()),
		judge("store", g.store.Ping(ctx)),
		judge("changes", g.changesHeard()),
		judge("audit", g.audit.Failing()),
	}
	up := judge("upstream", reachUpstream(ctx, g.inForce.Load().Upstream.URL))
	up.Degraded = !up.OK
	return append(list, up)
}

func judge(name string, err error) condition {
	if err != nil {
		return condition{Name: name, Detail: err.Error()}
	}
	return condition{Name: name, OK: true}
}

func (g *gateway) stopping() error {
	if g.draining.Load() {
		return fmt.Errorf("stopping")
	}
	return nil
}

// changesHeard says that the change log was read recently enough that a revoked
// token is not still accepted (security.md A7).
func (g *gateway) changesHeard() error {
	last := time.UnixMilli(g.confirmed.Load())
	if age := g.now().Sub(last); g.confirmed.Load() != 0 && age > g.inForce.Load().Store.MaxStaleness {
		return fmt.Errorf("the change log was last read %s ago", age.Round(time.Second))
	}
	return nil
}

// reachUpstream opens a connection to DHIS2 and closes it again.
func reachUpstream(ctx context.Context, u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}
