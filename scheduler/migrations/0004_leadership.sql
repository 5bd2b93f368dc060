-- Who leads, and a count that it raises: a standby that sees the same count for a whole lease takes over.
ALTER TABLE farm ADD COLUMN leader TEXT NOT NULL DEFAULT '';
ALTER TABLE farm ADD COLUMN beat INTEGER NOT NULL DEFAULT 0;
-- The number of the last batch committed under this epoch: what a commit of unknown outcome is looked up by.
ALTER TABLE farm ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;

-- The same of earlier epochs.
CREATE TABLE epochs (
    epoch  INTEGER PRIMARY KEY,
    leader TEXT NOT NULL,
    batch  INTEGER NOT NULL
);
