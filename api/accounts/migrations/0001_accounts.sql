-- Written in SQLite's words; klieg-database has PostgreSQL's for them. Times are seconds since 1970. Digests are BLAKE3's, in hex.
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    -- As it is compared: lower case. Of an erased account: 'erased ID', which nobody can be called.
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    -- A PHC string; empty where nobody can log in with a password.
    password TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    closed_at INTEGER
);

-- Tries to log in since the last that succeeded, by the name's digest, whether there is such an account or not.
CREATE TABLE account_miss (
    name TEXT PRIMARY KEY,
    misses INTEGER NOT NULL,
    missed_at INTEGER NOT NULL
);
CREATE INDEX account_miss_by_time ON account_miss (missed_at);

-- From a login to its logout. Each refresh replaces the digest and adds one to the number.
CREATE TABLE account_session (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE INDEX account_session_by_account ON account_session (account);

-- Refresh tokens that were used: whoever shows one again did not get it from us.
CREATE TABLE account_refresh (
    session TEXT NOT NULL REFERENCES account_session (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (session, number)
);

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
    -- Each one more than the one before: of two servers that make the next at once, one does.
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    -- PKCS#8, in base64.
    private TEXT NOT NULL,
    -- The 32 bytes, in base64 for URLs.
    public TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

-- Who did what. Entries are added, and old ones deleted; names are replaced in them when an account is erased.
CREATE TABLE account_audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL
);
CREATE INDEX account_audit_by_actor ON account_audit (actor);
CREATE INDEX account_audit_by_subject ON account_audit (subject);
CREATE INDEX account_audit_by_time ON account_audit (at);
