-- What outlives a leader beside the jobs: what projects may have and have had, counted resources, memory peaks that were measured.
CREATE TABLE projects (
    name    TEXT PRIMARY KEY,
    share   TEXT NOT NULL,
    -- Slot-seconds and cost of all attempts of its jobs, forgotten ones too.
    seconds REAL NOT NULL,
    cost    REAL NOT NULL
);
CREATE TABLE limits (
    name TEXT PRIMARY KEY,
    most INTEGER NOT NULL
);
CREATE TABLE peaks (
    kind  TEXT NOT NULL,
    step  TEXT NOT NULL,
    shape TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (kind, step, shape)
);
