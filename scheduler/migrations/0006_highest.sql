-- The highest token and job number of what has been forgotten, so that neither is ever given out again.
ALTER TABLE farm ADD COLUMN highest_token INTEGER NOT NULL DEFAULT 0;
ALTER TABLE farm ADD COLUMN highest_job INTEGER NOT NULL DEFAULT 0;
