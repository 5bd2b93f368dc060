-- Nodes have devices: the offer as JSON. Those that are known join again.
DELETE FROM nodes;
ALTER TABLE nodes ADD COLUMN offer TEXT NOT NULL DEFAULT '{}';
-- On whose account a job runs.
ALTER TABLE jobs ADD COLUMN project TEXT NOT NULL DEFAULT '';
-- Attempts that ended their worker, and splits for want of device memory.
ALTER TABLE tasks ADD COLUMN kills INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN splits INTEGER NOT NULL DEFAULT 0;
-- Where the attempt runs and what it holds there, as JSON. What ran under an older schema is lost with its process.
ALTER TABLE tasks ADD COLUMN run TEXT;
