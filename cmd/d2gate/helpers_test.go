package main

import (
	"errors"
	"net"
)

func asOpError(err error, target **net.OpError) bool { return errors.As(err, target) }
