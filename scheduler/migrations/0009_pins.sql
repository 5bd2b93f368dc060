-- Artifacts that stay until somebody lets go of them, whatever becomes of the result cache.
CREATE TABLE pins (
    digest TEXT PRIMARY KEY
);

-- For pages of jobs, the newest first: ids are counted, so that a longer one is newer.
CREATE INDEX jobs_by_age ON jobs (length(id), id);
