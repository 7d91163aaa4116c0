-- +goose Up
-- Instants are milliseconds since 1970 UTC. Codes, tokens and sessions are stored as
-- the hex SHA-256 of their text.
CREATE TABLE oauth2_client (
    uid           TEXT   NOT NULL PRIMARY KEY,
    cid           TEXT   NOT NULL UNIQUE,
    name          TEXT   NOT NULL UNIQUE,
    secret_hash   TEXT   NOT NULL, -- '' for a public client
    grant_types   TEXT   NOT NULL, -- JSON array
    redirect_uris TEXT   NOT NULL, -- JSON array
    created       BIGINT NOT NULL,
    last_updated  BIGINT NOT NULL,
    created_by    TEXT   NOT NULL, -- JSON: uid, username, name
    updated_by    TEXT   NOT NULL,
    sharing       TEXT   NOT NULL
);

-- A family is everything that grew out of one sign-in. Its row outlives its tokens,
-- so that nothing can be added to a family that was revoked.
CREATE TABLE oauth2_family (
    id       TEXT   NOT NULL PRIMARY KEY,
    cid      TEXT   NOT NULL,
    username TEXT   NOT NULL,
    revoked  BIGINT,
    expires  BIGINT NOT NULL
);
CREATE INDEX oauth2_family_by_user ON oauth2_family (username);
CREATE INDEX oauth2_family_by_cid ON oauth2_family (cid);
CREATE INDEX oauth2_family_by_expires ON oauth2_family (expires);

CREATE TABLE oauth2_code (
    hash      TEXT    NOT NULL PRIMARY KEY,
    cid       TEXT    NOT NULL,
    redirect  TEXT    NOT NULL,
    asked     INTEGER NOT NULL,
    challenge TEXT    NOT NULL,
    owner     TEXT    NOT NULL, -- JSON
    scope     TEXT    NOT NULL,
    family    TEXT    NOT NULL,
    expires   BIGINT  NOT NULL,
    spent     BIGINT
);
CREATE INDEX oauth2_code_by_cid ON oauth2_code (cid);
CREATE INDEX oauth2_code_by_expires ON oauth2_code (expires);

CREATE TABLE oauth2_access (
    hash    TEXT   NOT NULL PRIMARY KEY,
    id      TEXT   NOT NULL UNIQUE,
    family  TEXT   NOT NULL REFERENCES oauth2_family (id) ON DELETE CASCADE,
    cid     TEXT   NOT NULL,
    owner   TEXT   NOT NULL,
    scope   TEXT   NOT NULL,
    issued  BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX oauth2_access_by_family ON oauth2_access (family);
CREATE INDEX oauth2_access_by_expires ON oauth2_access (expires);

CREATE TABLE oauth2_refresh (
    hash    TEXT   NOT NULL PRIMARY KEY,
    parent  TEXT   NOT NULL,
    family  TEXT   NOT NULL REFERENCES oauth2_family (id) ON DELETE CASCADE,
    cid     TEXT   NOT NULL,
    owner   TEXT   NOT NULL,
    scope   TEXT   NOT NULL,
    expires BIGINT NOT NULL,
    spent   BIGINT
);
CREATE INDEX oauth2_refresh_by_family ON oauth2_refresh (family);
CREATE INDEX oauth2_refresh_by_expires ON oauth2_refresh (expires);

CREATE TABLE oauth2_consent (
    username TEXT   NOT NULL,
    cid      TEXT   NOT NULL,
    scope    TEXT   NOT NULL,
    redirect TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (username, cid, scope, redirect)
);

CREATE TABLE oauth2_key (
    id      TEXT   NOT NULL PRIMARY KEY,
    sealed  TEXT   NOT NULL, -- base64
    created BIGINT NOT NULL
);

CREATE TABLE browser_session (
    hash    TEXT   NOT NULL PRIMARY KEY,
    data    TEXT   NOT NULL, -- base64
    expires BIGINT NOT NULL
);
CREATE INDEX browser_session_by_expires ON browser_session (expires);

-- +goose Down
DROP TABLE browser_session;
DROP TABLE oauth2_key;
DROP TABLE oauth2_consent;
DROP TABLE oauth2_refresh;
DROP TABLE oauth2_access;
DROP TABLE oauth2_code;
DROP TABLE oauth2_family;
DROP TABLE oauth2_client;
