package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSIGTERMUnderLoadDropsNoRequestInFlight(t *testing.T) {
	v := newVictim(t)
	v.start()
	defer v.kill()
	server, err := reach(v.socket)
	require.NoError(t, err)
	made, err := remoteTokens{server}.create(t.Context(), newToken{User: "admin"})
	require.NoError(t, err)

	var answered atomic.Int64
	broken := make(chan error, 64)
	enough := make(chan struct{})
	var once sync.Once
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				err := postOnce(client, v.gateway+"/api/x", made.Token)
				if op := (&net.OpError{}); errors.As(err, &op) && op.Op == "dial" {
					return // it is gone, and says so
				}
				if err != nil {
					broken <- err
					return
				}
				if answered.Add(1) > 400 {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	<-enough
	require.NoError(t, v.cmd.Process.Signal(syscall.SIGTERM))
	load.Wait()
	require.NoError(t, v.cmd.Wait())
	close(broken)
	for err := range broken {
		t.Error(err)
	}
}

// postOnce sends a request that net/http does not repeat by itself.
func postOnce(client *http.Client, url, token string) error {
	r, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "ApiToken "+token)
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
