-- +goose Up
-- One row for each request (audit sink of type store). line is the JSON object that
-- a file sink writes; what is asked for has columns of its own. at is milliseconds
-- since 1970 UTC.
CREATE TABLE audit_event (
    at         BIGINT NOT NULL,
    request_id TEXT   NOT NULL,
    username   TEXT   NOT NULL,
    token      TEXT   NOT NULL,
    decision   TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    line       TEXT   NOT NULL
);
CREATE INDEX audit_event_by_at ON audit_event (at);
CREATE INDEX audit_event_by_request ON audit_event (request_id);

-- +goose Down
DROP TABLE audit_event;
