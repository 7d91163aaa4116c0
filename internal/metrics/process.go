package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// ticks are clock ticks in a second as Linux shows them to programs (USER_HZ).
const ticks = 100

// Process is what Linux says about this process (proc(5)), under the names of the
// Prometheus client libraries. Proc is the file system of /proc; what it does not have
// is left out.
func Process(proc fs.FS) []Family {
	p := process{proc}
	return []Family{
		CounterFunc("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", func() (float64, error) {
			user, err := p.stat(14)
			if err != nil {
				return 0, err
			}
			system, err := p.stat(15)
			return (user + system) / ticks, err
		}),
		GaugeFunc("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", func() (float64, error) {
			boot, err := p.boot()
			if err != nil {
				return 0, err
			}
			after, err := p.stat(22)
			return boot + after/ticks, err
		}),
		GaugeFunc("process_virtual_memory_bytes", "Virtual memory size in bytes.", func() (float64, error) { return p.stat(23) }),
		GaugeFunc("process_resident_memory_bytes", "Resident memory size in bytes.", func() (float64, error) {
			pages, err := p.stat(24)
			return pages * float64(os.Getpagesize()), err
		}),
		GaugeFunc("process_open_fds", "Number of open file descriptors.", p.openFiles),
		GaugeFunc("process_max_fds", "Maximum number of open file descriptors.", p.maxFiles),
	}
}

type process struct{ proc fs.FS }

// stat is a field of /proc/self/stat, numbered from 1 as in proc_pid_stat(5); the
// second, the name, may hold anything and ends at the last parenthesis.
func (p process) stat(field int) (float64, error) {
	text, err := fs.ReadFile(p.proc, "self/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if field -= 3; field >= len(fields) {
		return 0, errors.New("/proc/self/stat is short")
	}
	return strconv.ParseFloat(fields[field], 64)
}

// boot is when the machine was started, in Unix seconds.
func (p process) boot() (float64, error) { return p.after("stat", "btime ") }

// openFiles counts descriptors, less the one that it is read by.
func (p process) openFiles() (float64, error) {
	list, err := fs.ReadDir(p.proc, "self/fd")
	return float64(len(list) - 1), err
}

// maxFiles is the soft limit; "unlimited" is an error.
func (p process) maxFiles() (float64, error) { return p.after("self/limits", "Max open files") }

// after is the first number after the words that begin a line of a file.
func (p process) after(file, words string) (float64, error) {
	text, err := fs.ReadFile(p.proc, file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, words); ok {
			if fields := strings.Fields(rest); len(fields) > 0 {
				return strconv.ParseFloat(fields[0], 64)
			}
		}
	}
	return 0, fmt.Errorf("/proc/%s does not say %s", file, words)
}
