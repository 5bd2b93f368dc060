CREATE TABLE farm (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    -- Raised by every scheduler that takes over; each commit checks it.
    epoch INTEGER NOT NULL
);
INSERT INTO farm (one, epoch) VALUES (1, 0);

CREATE TABLE nodes (
    node         TEXT PRIMARY KEY,
    slots        INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL
);

CREATE TABLE jobs (
    id           TEXT PRIMARY KEY,
    -- Digest of specification, plan and build: what a second submission is recognised by.
    identity     TEXT NOT NULL,
    build        TEXT NOT NULL,
    spec         TEXT NOT NULL,
    state        TEXT NOT NULL,
    reason       TEXT,
    priority     INTEGER NOT NULL,
    price        REAL NOT NULL,
    submitted_ms INTEGER NOT NULL,
    ended_ms     INTEGER
);
CREATE INDEX jobs_by_state ON jobs (state);

CREATE TABLE tasks (
    job         TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    position    INTEGER NOT NULL,
    spec        TEXT NOT NULL,
    state       TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    faults      INTEGER NOT NULL,
    node_faults INTEGER NOT NULL,
    token       INTEGER NOT NULL,
    reused      INTEGER NOT NULL,
    -- Slot-seconds of all its attempts.
    seconds     REAL NOT NULL,
    outputs     TEXT NOT NULL,
    failure     TEXT,
    node        TEXT,
    slot        INTEGER,
    started_ms  INTEGER,
    PRIMARY KEY (job, name)
) WITHOUT ROWID;

CREATE TABLE attempts (
    job        TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    task       TEXT NOT NULL,
    token      INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    node       TEXT NOT NULL,
    slot       INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL,
    seconds    REAL NOT NULL,
    outcome    TEXT NOT NULL,
    message    TEXT,
    PRIMARY KEY (job, task, token)
) WITHOUT ROWID;

-- What a task with this identity gave, whoever asked for it.
CREATE TABLE results (
    identity TEXT PRIMARY KEY,
    result   TEXT NOT NULL,
    seconds  REAL NOT NULL,
    bytes    INTEGER NOT NULL,
    used_ms  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX results_by_use ON results (used_ms);

CREATE TABLE cancels (
    job      TEXT PRIMARY KEY,
    asked_ms INTEGER NOT NULL
) WITHOUT ROWID;
