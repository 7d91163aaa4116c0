-- +goose Up
-- Sign-ins that are under way, which anybody may begin, are told from sessions, so
-- that they can be counted and removed by themselves. '' is a session.
ALTER TABLE browser_session ADD COLUMN kind TEXT NOT NULL DEFAULT '';
CREATE INDEX browser_session_by_kind ON browser_session (kind, expires);

-- +goose Down
DROP INDEX browser_session_by_kind;
ALTER TABLE browser_session DROP COLUMN kind;
