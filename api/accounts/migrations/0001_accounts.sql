-- Written in SQLite's words; database.rs has PostgreSQL's for them. Times are seconds since 1970.
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    -- As it is compared: lower case.
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    -- A PHC string; empty where somebody else checks who it is.
    password TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    closed_at INTEGER,
    -- Wrong passwords in a row, and when the last one came.
    misses INTEGER NOT NULL,
    missed_at INTEGER NOT NULL
);

-- From a login to its logout. Each refresh replaces the digest.
CREATE TABLE account_session (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE INDEX account_session_by_account ON account_session (account);

-- Tokens for programs.
CREATE TABLE account_token (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- Permissions, separated by spaces. What the account's role lacks is not granted by them.
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    ended_at INTEGER
);
CREATE INDEX account_token_by_account ON account_token (account);

-- What access tokens are signed with.
CREATE TABLE account_key (
    id TEXT PRIMARY KEY,
    -- PKCS#8, in base64.
    private TEXT NOT NULL,
    public TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

-- Who did what. Never changed.
CREATE TABLE account_audit (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL
);
CREATE INDEX account_audit_by_time ON account_audit (at);
