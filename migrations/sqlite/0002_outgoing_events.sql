-- Events that handlers and programs emit, beside the dead letters that are in the outbox already.
-- key_hash: 64 bits of topic and key. Rows that must not overtake each other share one.
ALTER TABLE {kinbox}.outbox ADD COLUMN event_type TEXT NOT NULL DEFAULT '';
ALTER TABLE {kinbox}.outbox ADD COLUMN key_hash INTEGER NOT NULL DEFAULT 0;

-- The relay reads in order of id, whatever lanes it has: no sort, however many rows wait.
DROP INDEX {kinbox}.outbox_pending;
CREATE INDEX {kinbox}.outbox_pending ON outbox (id) WHERE state = 'pending';
-- What was set aside keeps the later rows of its key back.
CREATE INDEX {kinbox}.outbox_refused ON outbox (key_hash) WHERE state = 'refused';
