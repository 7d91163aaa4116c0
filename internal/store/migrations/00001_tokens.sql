-- +goose Up
-- Instants are milliseconds since 1970 UTC; NULL is "never".
CREATE TABLE api_token (
    uid                     TEXT   NOT NULL PRIMARY KEY,
    code                    TEXT   UNIQUE,
    created                 BIGINT NOT NULL,
    last_updated            BIGINT NOT NULL,
    owner_uid               TEXT   NOT NULL,
    owner_username          TEXT   NOT NULL,
    owner_name              TEXT   NOT NULL,
    owner_display_name      TEXT   NOT NULL,
    updated_by_uid          TEXT   NOT NULL,
    updated_by_username     TEXT   NOT NULL,
    updated_by_name         TEXT   NOT NULL,
    updated_by_display_name TEXT   NOT NULL,
    version                 BIGINT NOT NULL,
    type                    TEXT   NOT NULL,
    expire                  BIGINT,
    attributes              TEXT   NOT NULL, -- JSON as DHIS2's api_token.attributes
    sharing                 TEXT   NOT NULL, -- JSON as DHIS2's api_token.sharing, '' for private
    last_used               BIGINT,
    last_used_from          TEXT   NOT NULL,
    overlap_ends            BIGINT,
    origin                  TEXT   NOT NULL
);
CREATE INDEX api_token_by_owner ON api_token (owner_username, created, uid);
CREATE INDEX api_token_by_created ON api_token (created, uid);
CREATE INDEX api_token_by_expire ON api_token (expire);

-- The hashes under which a token is found: one without an end, and for the time of
-- an overlap the one that a rotation has replaced.
CREATE TABLE api_token_hash (
    hash TEXT   NOT NULL PRIMARY KEY, -- hex SHA-256 of the whole token text
    uid  TEXT   NOT NULL REFERENCES api_token (uid) ON DELETE CASCADE,
    ends BIGINT
);
CREATE INDEX api_token_hash_by_uid ON api_token_hash (uid);

-- Who else may read a token; user_uid '' is everybody.
CREATE TABLE api_token_reader (
    user_uid TEXT NOT NULL,
    uid      TEXT NOT NULL REFERENCES api_token (uid) ON DELETE CASCADE,
    PRIMARY KEY (user_uid, uid)
);
CREATE INDEX api_token_reader_by_uid ON api_token_reader (uid);

-- What other replicas must hear of. The numbers come from change_seq, whose row
-- stays locked until the change is committed: they have no gaps, and a reader that
-- has seen a number has seen all below it.
CREATE TABLE changes (
    seq   BIGINT NOT NULL PRIMARY KEY,
    topic TEXT   NOT NULL,
    key   TEXT   NOT NULL,
    at    BIGINT NOT NULL
);
CREATE TABLE change_seq (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq BIGINT  NOT NULL
);
INSERT INTO change_seq (one, seq) VALUES (1, 0);

-- +goose Down
DROP TABLE change_seq;
DROP TABLE changes;
DROP TABLE api_token_reader;
DROP TABLE api_token_hash;
DROP TABLE api_token;
