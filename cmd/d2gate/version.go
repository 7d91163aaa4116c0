package main

import (
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker when a release is built (-X main.version=1.2.3).
var version string

// build is what the binary knows of its making.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Built   string `json:"built,omitempty"` // time of the commit
	Dirty   bool   `json:"dirty,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// buildInfo reads what the Go tool has stamped into the binary.
func buildInfo() build {
	b := build{Version: "dev", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	if version != "" {
		b.Version = version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Built = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

func (p *program) versionCommand() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Say which d2gate this is", Args: cobra.NoArgs}
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(*cobra.Command, []string) error {
		if err := o.check(); err != nil {
			return err
		}
		b := buildInfo()
		return p.print(o, view{data: b, names: []string{b.Version}, table: func(w io.Writer) {
			row(w, "d2gate", b.Version)
			if b.Commit != "" {
				row(w, "commit", b.Commit)
			}
			row(w, "go", b.Go+" "+b.OS+"/"+b.Arch)
		}})
	}
	return c
}
