// Package config is what the operator may say: one strict YAML file with
// positions, secrets that cannot be printed, and reload. It knows no HTTP and no
// store. Read types.go first: it is the whole vocabulary.
package config
