-- Written in SQLite's words; klieg-database has PostgreSQL's for them. Times are seconds since 1970. Digests are BLAKE3's, in hex.

-- Content that was given to moderation, and how it stands.
CREATE TABLE review_content (
    -- Counts up: of two of one priority the older is first.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    project TEXT NOT NULL,
    -- The account that brought it; empty: whoever had the farm's own token.
    owner TEXT NOT NULL,
    -- The moderation job.
    job TEXT NOT NULL,
    -- judging, waiting, approved, rejected, failed.
    state TEXT NOT NULL,
    -- Higher is looked at first.
    priority INTEGER NOT NULL,
    -- 0 to 1000; NULL until it is known.
    risk INTEGER,
    -- Of moderation.json; NULL until it is known.
    report TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Who looks at it, and until when nobody else may.
    claimed_by TEXT,
    claimed_until INTEGER NOT NULL,
    -- Who decided last; NULL: the policy alone.
    decided_by TEXT,
    reason TEXT NOT NULL,
    -- Who gave it to somebody else.
    escalated_by TEXT,
    -- What the owner says against the rejection.
    appeal TEXT
);
CREATE INDEX review_content_by_state ON review_content (state, priority, number);
CREATE INDEX review_content_by_owner ON review_content (owner);

-- What happened to it, in order.
CREATE TABLE review_event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    content TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- An account; `policy` is the policy alone.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX review_event_by_content ON review_event (content, number);
