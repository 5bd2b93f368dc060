-- By which other providers somebody is known here (OpenID Connect).
CREATE TABLE account_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX account_identity_by_account ON account_identity (account);

-- Who went to such a provider and has not come back.
CREATE TABLE account_journey (
    -- Digest of what the provider hands back.
    state TEXT PRIMARY KEY,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    -- Digest of what only the page that began it knows.
    page TEXT NOT NULL,
    begun_at INTEGER NOT NULL
);
CREATE INDEX account_journey_by_time ON account_journey (begun_at);

-- Who came back and has not been given a session: shown once, within a minute.
CREATE TABLE account_ticket (
    digest TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    page TEXT NOT NULL,
    made_at INTEGER NOT NULL
);
