-- Which of the node's devices an attempt ran on.
ALTER TABLE attempts ADD COLUMN device INTEGER NOT NULL DEFAULT 0;
