-- +goose Up
-- DHIS2's own tokens, one a user, of the upstream identity pat: encrypted with a key
-- that is not in the store.
CREATE TABLE native_pat (
    username TEXT NOT NULL PRIMARY KEY,
    sealed   TEXT NOT NULL -- base64
);

-- +goose Down
DROP TABLE native_pat;
