package main

import (
	"crypto/tls"
	"net"
	"time"

	mx "github.com/d2gate/d2gate/internal/metrics"
	"github.com/d2gate/d2gate/proxy"
)

// listen opens what was not opened before: the gateway's listener with the rules
// of who may connect, the admin listener and the admin socket.
func (s *server) listen() (err error) {
	l, c := &s.listeners, s.cfg
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.door == nil {
		if l.door, err = listen(c.Server.Listen, "server.listen"); err != nil {
			return err
		}
	}
	l.gateway = l.door
	if onlyProxies(c) {
		l.gateway = &guarded{Listener: l.gateway, trusted: c.Server.TrustedProxies, log: s.log}
	}
	if c.Server.ProxyProtocol {
		l.gateway = withProxyProtocol(l.gateway, c.Server.TrustedProxies, c.Server.Limits.HeaderTimeout)
	}
	if l.admin == nil {
		if l.admin, err = listen(c.Admin.Listen, "admin.listen"); err != nil {
			return err
		}
	}
	l.socket, err = listenSocket(c.Admin.Socket)
	return err
}

// close closes what a server has not closed; closing twice does no harm.
func (l *listeners) close() {
	if l.door != nil {
		_ = l.door.Close() // the error that matters was told by the server
	}
	if l.admin != nil {
		_ = l.admin.Close() // as above
	}
	if l.socket != nil {
		_ = l.socket.Close() // as above
	}
}

// services are the servers behind the listeners, in the order in which they end.
func (s *server) services(g *gateway, reg *mx.Registry) ([]service, error) {
	limits := s.cfg.Server.Limits
	front := serverConfig{
		handler: g.drain.wrap(g.handler), log: s.log,
		// The gateway itself refuses what is over its limits, in words; net/http
		// stops reading a little later.
		header:        int(2*limits.Header + limits.Target),
		headerTimeout: limits.HeaderTimeout, idleTimeout: limits.IdleTimeout,
	}
	if t := s.cfg.Server.TLS; t != nil {
		cert, err := loadCertificate(t.CertFile, t.KeyFile, s.log, time.Now)
		if err != nil {
			return nil, &exitError{exitConfig, err}
		}
		front.tls = cert.tlsConfig()
	}
	gatewayServer := newServer(front)
	gatewayServer.ConnState = g.drain.track
	g.drain.door = s.listeners.door
	list := []service{
		{"gateway", s.streams(front.tls), gatewayServer, &g.drain},
		{"admin", []net.Listener{s.listeners.admin}, newServer(serverConfig{handler: adminRoutes(g, reg), log: s.log}), nil},
		{"admin socket", []net.Listener{s.listeners.socket}, newServer(serverConfig{handler: socketRoutes(s, g), log: s.log}), nil},
	}
	if s.sandbox != nil {
		list = append(list, s.sandbox.service)
	}
	return list, nil
}

// streams are the gateway's connections as net/http may read them: HTTP/1 through
// the strict reader (security.md B1, B2), HTTP/2 over TLS as it is.
func (s *server) streams(t *tls.Config) []net.Listener {
	if t == nil {
		return []net.Listener{proxy.StrictListener(s.listeners.gateway)}
	}
	one, two := splitTLS(s.listeners.gateway, t, s.cfg.Server.Limits.HeaderTimeout)
	return []net.Listener{one, two}
}
