-- The account that submitted a job; empty: nobody in particular.
ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
