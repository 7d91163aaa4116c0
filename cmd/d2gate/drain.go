package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// drain takes clients off a server without breaking a request: first no new
// connections are taken, those that wait in the queue of the listener excepted;
// then every answer says Connection: close. Shutdown alone would reset the queue,
// and close connections on which the next request is already on its way.
type drain struct {
	door *door // of the listener; required
	on   atomic.Bool
	open atomic.Int64 // connections
}

// drainWindow is how long busy clients have to come by once more.
const drainWindow = 300 * time.Millisecond

// wrap says Connection: close while the drain is on.
func (d *drain) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.on.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// track is the server's ConnState hook.
func (d *drain) track(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		d.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		d.open.Add(-1)
	}
}

// run closes the door and returns when no connection is open, or the window or ctx
// is over.
func (d *drain) run(ctx context.Context) {
	<-d.door.shut()
	d.on.Store(true)
	over := time.NewTimer(drainWindow)
	defer over.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for d.open.Load() > 0 {
		select {
		case <-over.C:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// door is a TCP listener that can be shut behind those who have knocked: closing a
// listener resets the connections that the kernel has accepted and we have not.
type door struct {
	*net.TCPListener
	closing atomic.Bool
	closed  chan struct{}
}

func newDoor(l *net.TCPListener) *door { return &door{TCPListener: l, closed: make(chan struct{})} }

// lastCall is how long connections are still taken from the queue.
const lastCall = 5 * time.Millisecond

// shut begins to shut the door; the channel is closed when it is. Somebody must be
// waiting in Accept.
func (d *door) shut() <-chan struct{} {
	if d.closing.CompareAndSwap(false, true) {
		_ = d.SetDeadline(time.Now().Add(lastCall)) // fails if it is closed: then Accept does too
	}
	return d.closed
}

// Accept implements net.Listener. At the end of the last call it closes the
// listener itself, so that nobody can come in between.
func (d *door) Accept() (net.Conn, error) {
	conn, err := d.TCPListener.Accept()
	if err != nil && d.closing.Load() && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed)) {
		_ = d.TCPListener.Close() // closing twice is no news
		select {
		case <-d.closed:
		default:
			close(d.closed)
		}
		return nil, net.ErrClosed
	}
	return conn, err
}

// Close implements net.Listener.
func (d *door) Close() error {
	if err := d.TCPListener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
