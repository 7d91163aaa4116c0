package main

import (
	"log/slog"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/store"
)

// openAudit opens the sinks of the file.
func openAudit(cfg *config.Config, st *store.Store, log *slog.Logger, m *metrics) (*audit.Log, error) {
	var sinks []audit.Sink
	for _, s := range cfg.Audit.Sinks {
		sink, err := openSink(cfg, s, st, log)
		if err != nil {
			for _, open := range sinks {
				_ = open.Close() // the first error is told
			}
			return nil, err
		}
		sinks = append(sinks, sink)
	}
	return audit.NewLog(audit.LogConfig{Sinks: sinks, Allowed: cfg.Audit.Allowed, Observe: func(e *audit.Event, err error) {
		if err != nil {
			m.auditFailures.Inc()
		}
	}})
}

func openSink(cfg *config.Config, s config.Sink, st *store.Store, log *slog.Logger) (audit.Sink, error) {
	where := s.Path
	if s.Type == "store" {
		where = "the store"
	}
	trouble := func(err error) {
		if err != nil {
			log.Error("audit log", "error", err)
		} else {
			log.Info("audit log: writing works again", "path", where)
		}
	}
	if s.Type == "store" {
		return audit.OpenTable(audit.TableConfig{Append: st.AppendAudit, Trouble: trouble})
	}
	return audit.OpenFile(audit.FileConfig{
		Path: s.Path, Rotate: s.Rotate, Keep: s.Keep, MaxAge: cfg.Store.Retention.Audit, Chain: s.Chain, Trouble: trouble,
	})
}
