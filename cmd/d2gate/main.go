// Command d2gate is an authentication and token gateway in front of DHIS2. This
// package holds the verbs of the command line, the wiring of a server and the
// whole HTTP surface on one page. Read serve.go for the wiring, routes.go for the
// surface, root.go for the verbs; decisions about requests are made in proxy.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
