package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// writePair makes a certificate for 127.0.0.1 with a serial number.
func writePair(t *testing.T, dir string, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return certFile, keyFile
}

// secureServer serves the protocol's name over TLS as the gateway's listener does.
func secureServer(t *testing.T) string {
	t.Helper()
	certFile, keyFile := writePair(t, t.TempDir(), 1)
	cert, err := loadCertificate(certFile, keyFile, quiet(), time.Now)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := newServer(serverConfig{log: quiet(), tls: cert.tlsConfig(), handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto) // the client compares
	})})
	one, two := splitTLS(l, server.TLSConfig, 5*time.Second)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serveAll(ctx, []service{{"gateway", []net.Listener{one, two}, server, nil}}, time.Second, func() {})
	}()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	return l.Addr().String()
}

func TestTLSServesHTTP1AndHTTP2(t *testing.T) {
	addr := secureServer(t)
	for proto, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{ForceAttemptHTTP2: h2, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		resp, err := (&http.Client{Transport: transport}).Get("https://" + addr)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, proto, string(body))
		transport.CloseIdleConnections()
	}
}

func TestARequestThatTwoReadersTakeInTwoWaysIsRefusedUnderTLSToo(t *testing.T) {
	addr := secureServer(t)
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
}

func TestARenewedCertificateIsServedWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	certFile, keyFile := writePair(t, dir, 1)
	cert, err := loadCertificate(certFile, keyFile, quiet(), func() time.Time { return now })
	require.NoError(t, err)
	serial := func() int64 {
		pair, err := cert.get(nil)
		require.NoError(t, err)
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		require.NoError(t, err)
		return leaf.SerialNumber.Int64()
	}
	writePair(t, dir, 2)
	later := time.Now().Add(time.Minute)
	require.NoError(t, os.Chtimes(certFile, later, later))
	require.EqualValues(t, 1, serial()) // looked at a moment ago
	now = now.Add(11 * time.Second)
	require.EqualValues(t, 2, serial())

	require.NoError(t, os.WriteFile(keyFile, []byte("torn"), 0o600))
	now = now.Add(11 * time.Second)
	require.EqualValues(t, 2, serial()) // what does not load leaves the old one
}

func TestTheGatewayServesTLSFromItsFiles(t *testing.T) {
	certFile, keyFile := writePair(t, t.TempDir(), 1)
	r := serve(t, plainBackend+fmt.Sprintf("server: {public_url: \"https://127.0.0.1:8443\", listen: \"127.0.0.1:0\", tls: {cert_file: %q, key_file: %q}}\n", certFile, keyFile))
	secret := r.token("--method", "GET")
	for _, h2 := range []bool{false, true} {
		transport := &http.Transport{ForceAttemptHTTP2: h2, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		for method, want := range map[string]int{http.MethodGet: 200, http.MethodPut: 401} {
			q, err := http.NewRequest(method, strings.Replace(r.gateway, "http:", "https:", 1)+"/api/x", nil)
			require.NoError(t, err)
			q.Header.Set("Authorization", "ApiToken "+secret)
			resp, err := (&http.Client{Transport: transport}).Do(q)
			require.NoError(t, err)
			require.Equal(t, want, resp.StatusCode)
			require.Equal(t, h2, resp.ProtoMajor == 2)
			require.NoError(t, resp.Body.Close())
		}
		transport.CloseIdleConnections()
	}
	require.Zero(t, r.end())
}
