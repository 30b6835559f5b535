-- min_reader: 5
-- Replays, partitions that wait for one, and what is cleared away.

-- The replay that the partition waits for: its owner takes no batch until then.
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN held_by INTEGER;

-- The one of what was set aside that is being tried alone now, if `attempting` is not about
-- attempt_offset.
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN attempt_parked INTEGER;
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN attempt_letter INTEGER;

-- What `inbox verify` needs to recount the rows. Of a position that was set: the lowest and the
-- highest offset it stood at; NULL if it never was.
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN lowest_offset INTEGER;
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN highest_offset INTEGER;
-- Inbox rows below it may have been pruned.
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN pruned_below INTEGER NOT NULL DEFAULT 0;
-- Rows of applied events that went with their topic.
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
-- Rows that no counter knows at most: of replays that ended, and of imported letters that are gone.
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN brought INTEGER NOT NULL DEFAULT 0;

-- How many processes it was the last thing of, tried alone.
ALTER TABLE {kinbox}.parked_events ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE {kinbox}.dead_letters ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;

-- One run over a piece of the past. mode: fill, reprocess, trial. state: running; paused; done;
-- cancelled; trial: one that is on its way, or did not come to its end.
CREATE TABLE {kinbox}.replays (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  consumer        TEXT NOT NULL,
  mode            TEXT NOT NULL,
  state           TEXT NOT NULL DEFAULT 'running',
  state_reason    TEXT NOT NULL DEFAULT '',
  -- Of reprocess: an event runs once in it.
  generation      INTEGER NOT NULL DEFAULT 0,
  plan_hash       TEXT NOT NULL,
  -- The plan as it was confirmed, and the choices made with it. JSON.
  plan            TEXT NOT NULL,
  -- The handlers' own preparations have been made.
  prepared        INTEGER NOT NULL DEFAULT 0,
  -- Who runs it now; nobody from seen_until on.
  owner           TEXT NOT NULL DEFAULT '',
  owner_session   TEXT NOT NULL DEFAULT '',
  -- Whoever had it last left in order.
  clean_stop      INTEGER NOT NULL DEFAULT 1,
  seen_until      TEXT,
  who             TEXT NOT NULL,
  audit_id        INTEGER,
  started_at      TEXT NOT NULL DEFAULT ({now}),
  updated_at      TEXT NOT NULL DEFAULT ({now}),
  ended_at        TEXT
) STRICT;
CREATE UNIQUE INDEX {kinbox}.replays_active ON replays (consumer) WHERE state IN ('running', 'paused');

-- How far it is, per partition. open_batch as in consumer_progress.
CREATE TABLE {kinbox}.replay_progress (
  replay_id    INTEGER NOT NULL REFERENCES replays (id) ON DELETE CASCADE,
  topic        TEXT NOT NULL,
  partition    INTEGER NOT NULL,
  topic_id     TEXT NOT NULL DEFAULT '',
  begin_offset INTEGER NOT NULL,
  next_offset  INTEGER NOT NULL,
  end_offset   INTEGER NOT NULL,
  open_batch   INTEGER REFERENCES no_open_batch (id) DEFERRABLE INITIALLY DEFERRED,
  applied      INTEGER NOT NULL DEFAULT 0,
  known        INTEGER NOT NULL DEFAULT 0,
  dead         INTEGER NOT NULL DEFAULT 0,
  left_alone   INTEGER NOT NULL DEFAULT 0,
  -- Events that handlers emitted and that were not written.
  silenced     INTEGER NOT NULL DEFAULT 0,
  -- Events among them that had no verdict before.
  fresh        INTEGER NOT NULL DEFAULT 0,
  -- Records run one at a time at first: whoever had the replay before did not leave in order.
  suspect      INTEGER NOT NULL DEFAULT 0,
  -- Offset of the one that is being tried alone now.
  attempting   INTEGER,
  PRIMARY KEY (replay_id, topic, partition)
) STRICT, WITHOUT ROWID;

-- Of how many processes a record was the last thing, tried alone.
CREATE TABLE {kinbox}.replay_crashes (
  replay_id     INTEGER NOT NULL REFERENCES replays (id) ON DELETE CASCADE,
  topic         TEXT NOT NULL,
  partition     INTEGER NOT NULL,
  record_offset INTEGER NOT NULL,
  crashes       INTEGER NOT NULL,
  PRIMARY KEY (replay_id, topic, partition, record_offset)
) STRICT, WITHOUT ROWID;

-- What an event led to, found by its id: what handlers emitted and mailed, and the replies.
ALTER TABLE {kinbox}.outbox ADD COLUMN causation_id TEXT NOT NULL DEFAULT '';
CREATE INDEX {kinbox}.outbox_by_cause ON outbox (causation_id) WHERE causation_id <> '';
CREATE INDEX {kinbox}.outbox_of_letter ON outbox (dead_letter_id) WHERE dead_letter_id IS NOT NULL;
CREATE INDEX {kinbox}.email_outbox_by_event ON email_outbox (event_id) WHERE event_id <> '';

-- Who clears away, one process at a time. scope: a consumer, or '' for what belongs to none.
CREATE TABLE {kinbox}.prunings (
  scope        TEXT NOT NULL PRIMARY KEY,
  token        TEXT NOT NULL DEFAULT '',
  leased_until TEXT,
  begun_at     TEXT
) STRICT;

-- Partitions whose owner tries an event again in place, once that lasts: what it said last.
CREATE TABLE {kinbox}.retries (
  owner         TEXT NOT NULL REFERENCES workers (owner) ON DELETE CASCADE,
  topic         TEXT NOT NULL,
  partition     INTEGER NOT NULL,
  record_offset INTEGER NOT NULL,
  handler       TEXT NOT NULL,
  -- Failed ones, the first included, and when that was.
  attempts      INTEGER NOT NULL,
  since         TEXT NOT NULL,
  due_at        TEXT NOT NULL,
  error_type    TEXT NOT NULL,
  error_text    TEXT NOT NULL,
  PRIMARY KEY (owner, topic, partition)
) STRICT, WITHOUT ROWID;

-- Whoever deletes a letter looks for what refers to it.
CREATE INDEX {kinbox}.parked_events_of_letter ON parked_events (dead_letter_id)
  WHERE dead_letter_id IS NOT NULL;
