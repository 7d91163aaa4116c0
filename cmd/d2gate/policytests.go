package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/proxy"
)

// testResult is what came of one entry of tests.
type testResult struct {
	Name     string `json:"name"`
	Line     int    `json:"line"`
	Request  string `json:"request"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
	Route    string `json:"route,omitempty"` // of a test that failed
	OK       bool   `json:"ok"`
}

// runTests judges every test of a file by the evaluator that judges requests.
func runTests(policy *proxy.Policy, tests []config.Test, now time.Time) []testResult {
	results := make([]testResult, len(tests))
	for i, t := range tests {
		r := testResult{Name: t.Name, Line: t.Line, Request: t.Method + " " + t.Target, Expected: t.Expect, Got: t.Expect, OK: true}
		for _, f := range policy.RunTests(tests[i:i+1], now) {
			r.OK, r.Got, r.Route = false, f.Got, f.Explanation.Route
			if f.Err != nil {
				r.Got = f.Err.Error()
			}
		}
		results[i] = r
	}
	return results
}

// testFailures names the tests that got another decision; nil if none did.
func testFailures(cfg *config.Config, results []testResult) error {
	var errs []error
	for _, r := range results {
		if !r.OK {
			errs = append(errs, fmt.Errorf("%s:%d: test %q: expected %s, got %s", cfg.File, r.Line, r.Name, r.Expected, r.Got))
		}
	}
	return errors.Join(errs...)
}
