-- Written in SQLite's words; klieg-database has PostgreSQL's for them. Times are seconds since 1970. Digests are BLAKE3's, in hex.

-- Requests that named an idempotency key, and what they were answered.
CREATE TABLE ledger_request (
    account TEXT NOT NULL,
    -- Of the key.
    digest TEXT NOT NULL,
    -- Of what was asked for: method, path and body.
    request TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    -- Who works on it, since when; until there is an answer.
    claim TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    status INTEGER,
    location TEXT,
    answer TEXT,
    PRIMARY KEY (account, digest)
);
CREATE INDEX ledger_request_by_time ON ledger_request (begun_at);

-- What a project may have; NULL: as much as it likes.
CREATE TABLE ledger_quota (
    project TEXT PRIMARY KEY,
    jobs_open_max INTEGER,
    device_seconds_per_month_max INTEGER,
    upload_bytes_max INTEGER,
    upload_bytes_each_max INTEGER
);

-- What a project had spent in all when a calendar month (UTC, '2026-11') began.
CREATE TABLE ledger_month (
    project TEXT NOT NULL,
    month TEXT NOT NULL,
    spent_before_ms INTEGER NOT NULL,
    PRIMARY KEY (project, month)
);

-- What was uploaded for a project, as long as the farm keeps it.
CREATE TABLE ledger_upload (
    project TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    account TEXT NOT NULL,
    uploaded_at INTEGER NOT NULL,
    PRIMARY KEY (project, digest)
);
CREATE INDEX ledger_upload_by_account ON ledger_upload (account);
