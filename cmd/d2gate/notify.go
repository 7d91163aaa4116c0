package main

import (
	"net"
	"strings"
)

// notifySystemd sends one state (READY=1, RELOADING=1, STOPPING=1) to the service
// manager, if there is one (sd_notify(3)). Nobody depends on its arrival.
func (p *program) notifySystemd(state string) {
	path, ok := p.env("NOTIFY_SOCKET")
	if !ok || path == "" {
		return
	}
	if name, abstract := strings.CutPrefix(path, "@"); abstract {
		path = "\x00" + name
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state)) // a lost datagram only makes systemd wait
}
