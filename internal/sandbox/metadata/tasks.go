package metadata

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/google/uuid"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// importJob is the only type of job that a sandbox has.
const importJob = "METADATA_IMPORT"

// A sandbox remembers its last jobs: at most tasksKept, whose summaries are at most
// summariesKept bytes; the last one whatever its size.
const (
	tasksKept     = 100
	summariesKept = 16 << 20
)

// notification is one thing that a job said.
type notification struct {
	UID       string `json:"uid"`
	Level     string `json:"level"` // INFO, ERROR
	Category  string `json:"category"`
	Time      string `json:"time"`
	Message   string `json:"message"`
	Completed bool   `json:"completed"`
	ID        string `json:"id"`
}

// importSummary is what a job reports of its import: the report, after the
// parameters and without a responseType.
type importSummary struct {
	ImportParams any               `json:"importParams"`
	Status       string            `json:"status"`
	TypeReports  []typeReport      `json:"typeReports"`
	Stats        dhis2.ImportStats `json:"stats"`
}

// task is a job that has ended.
type task struct {
	uid     string
	notes   []notification  // the last one first
	summary json.RawMessage // an importSummary, nil if the import could not be read
}

// taskLog remembers the last jobs. The zero value is ready.
type taskLog struct {
	mu   sync.Mutex
	jobs []task // the oldest first
	size int    // of their summaries, in bytes
}

func (l *taskLog) add(t task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs, l.size = append(l.jobs, t), l.size+len(t.summary)
	for len(l.jobs) > tasksKept || l.size > summariesKept && len(l.jobs) > 1 {
		l.size -= len(l.jobs[0].summary)
		l.jobs[0] = task{} // the array goes on living
		l.jobs = l.jobs[1:]
	}
}

// each calls f with every job, the oldest first.
func (l *taskLog) each(f func(task)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.jobs {
		f(t)
	}
}

// later answers what asked for async=true. A sandbox does the work at once and says
// afterwards how it went, under /api/system/tasks and taskSummaries.
func (c *request) later(work func() (importReport, error)) error {
	uid, err := c.s.newUID()
	if err != nil {
		return err
	}
	name, err := uuid.NewRandomFromReader(c.s.cfg.Rand)
	if err != nil {
		return fmt.Errorf("name job: %w", err)
	}
	created, params := stamp(c.s.now()), c.jobParameters()
	rep, failed := work()
	t := task{uid: uid}
	if failed == nil {
		if t.summary, err = dhis2.EncodeJSON(importSummary{params, rep.Status, rep.TypeReports, rep.Stats}); err != nil {
			return err
		}
	}
	if t.notes, err = c.notifications(failed); err != nil {
		return err
	}
	c.s.tasks.add(t)
	c.w.Header().Set("Location", c.base()+"/api/system/tasks/"+importJob)
	return c.message(dhis2.OK("Initiated " + importJob).WithResponse(map[string]any{
		"name": importJob + " (" + name.String() + ")", "id": uid, "created": created, "jobType": importJob, "jobStatus": "NOT_STARTED", "jobParameters": params,
		"relativeNotifierEndpoint": "/api/system/tasks/" + importJob + "/" + uid, "responseType": "JobConfiguration",
	}))
}

// notifications are what a job says in the end, the last one first.
func (c *request) notifications(failed error) ([]notification, error) {
	list := []notification{{Level: "INFO", Message: "Import complete", Completed: true}, {Level: "INFO", Message: "Metadata import started"}}
	if failed != nil {
		list[0].Level, list[0].Message = "ERROR", "Import failed: "+refusal(failed).Message
	}
	for i := range list {
		uid, err := c.s.newUID()
		if err != nil {
			return nil, err
		}
		list[i].UID, list[i].ID, list[i].Category, list[i].Time = uid, uid, importJob, stamp(c.s.now())
	}
	return list, nil
}

// jobParameters repeats the parameters of an asynchronous import.
func (c *request) jobParameters() map[string]any {
	p := c.importParams()
	mode := func(yes bool, a, b string) string {
		if yes {
			return a
		}
		return b
	}
	return map[string]any{
		"importMode": mode(p.validate, "VALIDATE", "COMMIT"), "identifier": mode(p.byCode, "CODE", "UID"), "preheatMode": "REFERENCE", "importStrategy": p.strategy,
		"atomicMode": mode(p.atomic, "ALL", "NONE"), "flushMode": mode(c.query.Get("flushMode") == "OBJECT", "OBJECT", "AUTO"), "importReportMode": p.reportMode,
		"skipSharing": p.skipSharing, "skipTranslation": p.skipTranslation, "skipValidation": p.skipValidation, "metadataSyncImport": false, "async": true,
		"firstRowIsHeader": c.firstRowIsHeader(),
	}
}

// isTask reports whether a path is /system/tasks… or /system/taskSummaries….
func isTask(segments []string) bool {
	return len(segments) >= 2 && len(segments) <= 4 && segments[0] == "system" && (segments[1] == "tasks" || segments[1] == "taskSummaries" && len(segments) > 2)
}

// taskActions are /system/tasks[/TYPE[/UID]] and /system/taskSummaries/TYPE[/UID].
func (c *request) taskActions() actions {
	if !isTask(c.seg) {
		return nil
	}
	return actions{http.MethodGet: c.json(c.readTasks)}
}

func (c *request) readTasks() error {
	c.w.Header().Set("Cache-Control", "no-store")
	byUID := map[string]any{}
	c.s.tasks.each(func(t task) {
		switch {
		case c.seg[1] == "tasks":
			byUID[t.uid] = t.notes
		case t.summary != nil:
			byUID[t.uid] = t.summary
		}
	})
	if len(c.seg) > 2 && c.seg[2] != importJob {
		clear(byUID) // other jobs there are none
	}
	switch {
	case len(c.seg) == 2:
		return c.value(http.StatusOK, map[string]any{importJob: byUID})
	case len(c.seg) == 3:
		return c.value(http.StatusOK, byUID)
	case byUID[c.seg[3]] != nil:
		return c.value(http.StatusOK, byUID[c.seg[3]])
	case c.seg[1] == "tasks":
		return c.value(http.StatusOK, json.RawMessage("[]"))
	}
	c.w.WriteHeader(http.StatusOK) // no summary yet
	return nil
}
