-- Written in SQLite's words; klieg-database has PostgreSQL's for them. Times are seconds since 1970.
CREATE TABLE webhook (
    id TEXT PRIMARY KEY,
    -- Whose it is.
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    -- Patterns of events, separated by spaces.
    events TEXT NOT NULL,
    -- What deliveries are signed with: it cannot be kept as a digest.
    secret TEXT NOT NULL,
    -- The one before, with which they are signed too until then.
    old_secret TEXT,
    old_until INTEGER,
    created_at INTEGER NOT NULL,
    -- Nothing is delivered from then on, and nothing new is kept for it.
    disabled_at INTEGER,
    disabled_why TEXT
);
CREATE INDEX webhook_by_owner ON webhook (owner);

-- The outbox, and what became of what was in it.
CREATE TABLE webhook_delivery (
    -- Counts up: for pages.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The same however often it is published and tried.
    id TEXT NOT NULL UNIQUE,
    webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Tries since it was published or replayed.
    attempts INTEGER NOT NULL,
    -- Counts up with every claim, and fences who claimed it before.
    claim INTEGER NOT NULL,
    -- When it is tried next; while somebody tries, when they are given up.
    due_at INTEGER NOT NULL,
    -- Of the last try.
    tried_at INTEGER,
    status INTEGER,
    trouble TEXT,
    delivered_at INTEGER,
    -- When it was delivered or given up.
    ended_at INTEGER
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (due_at) WHERE ended_at IS NULL;
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook) WHERE ended_at IS NULL;
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook, number);
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
