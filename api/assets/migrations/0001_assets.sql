-- Written in SQLite's words; klieg-database has PostgreSQL's for them. Times are seconds since 1970.
CREATE TABLE asset (
    -- Counts up: for pages.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    -- BLAKE3 of its bytes, hex. The same bytes are one asset.
    digest TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Empty: the default project.
    project TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    -- The account that brought it; empty: whoever had the farm's own token.
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX asset_by_project ON asset (project, number);

-- What is being brought. Its bytes are in a file of the server that takes them.
CREATE TABLE asset_upload (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    -- As whoever brings it says.
    declared TEXT,
    bytes INTEGER NOT NULL,
    -- Said beforehand, or found when all bytes had come.
    digest TEXT,
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- When bytes of it came last.
    touched_at INTEGER NOT NULL
);
CREATE INDEX asset_upload_by_owner ON asset_upload (owner);
CREATE INDEX asset_upload_by_age ON asset_upload (touched_at);
