-- The furthest that any attempt of the task came: what the next leader goes on from.
ALTER TABLE tasks ADD COLUMN furthest REAL NOT NULL DEFAULT 0;
