package cli

import (
	"errors"
	"fmt"
)

// Exit codes.
const (
	ExitDone     = 0
	ExitNegative = 1 // a negative result
	ExitUsage    = 2 // wrong use of the command line
	ExitFailed   = 3
)

// codedError is an error that decides the exit code.
type codedError struct {
	error
	code int
}

// Unwrap gives the cause.
func (e codedError) Unwrap() error { return e.error }

// Coded makes an error decide the exit code.
func Coded(err error, code int) error { return codedError{err, code} }

// Code is the exit code of an error: what it decides, ExitFailed where it decides nothing.
func Code(err error) int {
	coded := codedError{code: ExitFailed}
	errors.As(err, &coded)
	return coded.code
}

// Usage is the error of wrong use of the command line.
func Usage(format string, args ...any) error {
	return codedError{fmt.Errorf(format, args...), ExitUsage}
}

// Negative is the error of a negative result: the command did its work and the answer is no.
func Negative(format string, args ...any) error {
	return codedError{fmt.Errorf(format, args...), ExitNegative}
}
