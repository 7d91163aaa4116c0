package main

import (
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	if l.gateway == nil {
		if l.gateway, err = listen(c.Server.Listen, "server.listen"); err != nil {
			return err
		}
	}
	if onlyProxies(c) {
		l.gateway = &guarded{l.gateway, c.Server.TrustedProxies, s.log}
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
	for _, one := range []net.Listener{l.gateway, l.admin, l.socket} {
		if one != nil {
			_ = one.Close() // the error that matters was told by the server
		}
	}
}

// services are the servers behind the listeners, in the order in which they end.
func (s *server) services(g *gateway, reg *prometheus.Registry) ([]service, error) {
	limits := s.cfg.Server.Limits
	front := serverConfig{
		handler: g.drain.wrap(g.handler), log: s.log,
		// The gateway itself refuses what is over its limits, in words; net/http
		// stops reading a little later.
		header:        int(limits.Header + limits.Target),
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
	list := []service{
		{"gateway", s.listeners.gateway, gatewayServer, &g.drain},
		{"admin", s.listeners.admin, newServer(serverConfig{handler: adminRoutes(g, reg), log: s.log}), nil},
		{"admin socket", s.listeners.socket, newServer(serverConfig{handler: socketRoutes(s, g), log: s.log}), nil},
	}
	if s.sandbox != nil {
		list = append(list, s.sandbox.service)
	}
	return list, nil
}
