package main

import (
	"fmt"
	"net"
	"strings"

	"golang.org/x/sys/unix"
)

// reloadingState is RELOADING=1 with the time that Type=notify-reload asks for.
func reloadingState() string {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", t.Nano()/1000)
}

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
