-- Events that handlers and programs emit, beside the dead letters that are in the outbox already.
-- key_hash: 64 bits of topic and key. Rows that must not overtake each other share one.
ALTER TABLE {kinbox}.outbox
  ADD COLUMN event_type text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN key_hash bigint NOT NULL DEFAULT 0;

-- The relay reads in order of id, whatever lanes it has: no sort, however many rows wait.
DROP INDEX {kinbox}.outbox_pending;
CREATE INDEX outbox_pending ON {kinbox}.outbox (id) WHERE state = 'pending';
-- What was set aside keeps the later rows of its key back.
CREATE INDEX outbox_refused ON {kinbox}.outbox (key_hash) WHERE state = 'refused';

-- For change data capture (relay: cdc). Every row is deleted by the transaction that inserts it:
-- the table stays empty, the write-ahead log has them. The columns are those of Debezium's outbox
-- event router; the key is what a published DELETE needs.
CREATE TABLE {kinbox}.outbox_events (
  id            text COLLATE "C" NOT NULL,
  source        text COLLATE "C" NOT NULL,
  aggregatetype text COLLATE "C" NOT NULL,
  aggregateid   text COLLATE "C",
  type          text COLLATE "C" NOT NULL,
  payload       bytea,
  specversion   text COLLATE "C" NOT NULL DEFAULT '1.0',
  occurred_at   text COLLATE "C" NOT NULL,
  content_type  text COLLATE "C" NOT NULL,
  causationid   text COLLATE "C",
  traceparent   text COLLATE "C",
  tracestate    text COLLATE "C",
  correlationid text COLLATE "C",
  headers       text NOT NULL DEFAULT '[]',
  PRIMARY KEY (id, source)
);
