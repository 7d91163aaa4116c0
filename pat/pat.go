// Package pat is personal access tokens: their text and three generations
// (token.go, format.go), what is stored of them (record.go), how one is verified
// (verify.go) and issued, and DHIS2's /api/apiToken (api*.go). It does not decide
// whether a request may pass: that is constraints, asked by proxy.
package pat
