-- min_reader: 4
-- Failing events: queues of keys that wait, dead letters that are tried again, and what people did.

-- Raised with a partition's by whoever changes rows from outside: one look for all partitions.
ALTER TABLE {kinbox}.consumers ADD COLUMN control_version INTEGER NOT NULL DEFAULT 0;
-- What is left of the budget of dead letters; NULL until it was needed.
ALTER TABLE {kinbox}.consumers ADD COLUMN dlq_tokens REAL;

-- The owner before this one did not leave in order: one of the next records may have ended it.
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0;
-- attempt_offset is being tried alone now. If its process does not survive that, the partition's
-- next owner adds one to attempt_count: as often as the record was the last thing of a process.
ALTER TABLE {kinbox}.consumer_progress ADD COLUMN attempting INTEGER NOT NULL DEFAULT 0;

-- state: open; requested (its owner tries it again from due_at on); parked (it waits in its key's
-- queue); resolved (applied); discarded.
-- A value that a person edited stands beside the original one.
ALTER TABLE {kinbox}.dead_letters ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE {kinbox}.dead_letters ADD COLUMN due_at TEXT;
ALTER TABLE {kinbox}.dead_letters ADD COLUMN retry_as TEXT;
ALTER TABLE {kinbox}.dead_letters ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE {kinbox}.dead_letters ADD COLUMN edited_value BLOB;
ALTER TABLE {kinbox}.dead_letters ADD COLUMN changed_at TEXT;
ALTER TABLE {kinbox}.dead_letters ADD COLUMN purged_at TEXT;
-- Groups are counted from the first alone; the second has the first and last of a group at its ends.
CREATE INDEX {kinbox}.dead_letters_by_group
  ON dead_letters (state, consumer, error_group, redrive_count);
CREATE INDEX {kinbox}.dead_letters_by_time
  ON dead_letters (state, consumer, error_group, dead_at, id);
CREATE INDEX {kinbox}.dead_letters_by_state ON dead_letters (state, consumer, id);
CREATE INDEX {kinbox}.dead_letters_requested
  ON dead_letters (consumer, topic, partition, record_offset) WHERE state = 'requested';
CREATE INDEX {kinbox}.dead_letters_by_key ON dead_letters (key);

-- what: requested, failed_again, applied, parked, edited, discarded, restored, purged, imported,
-- dead_lettered (by a person, out of its key's queue).
CREATE TABLE {kinbox}.dead_letter_history (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  dead_letter_id INTEGER NOT NULL REFERENCES dead_letters (id) ON DELETE CASCADE,
  at             TEXT NOT NULL DEFAULT ({now}),
  what           TEXT NOT NULL,
  detail         TEXT NOT NULL DEFAULT '',
  -- The person's action, if it was one.
  audit_id       INTEGER
) STRICT;
CREATE INDEX {kinbox}.dead_letter_history_of ON dead_letter_history (dead_letter_id, id);

-- What people did. outcome: '' while it is being done.
CREATE TABLE {kinbox}.audit (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       TEXT NOT NULL DEFAULT ({now}),
  who      TEXT NOT NULL,
  action   TEXT NOT NULL,
  consumer TEXT NOT NULL DEFAULT '',
  filter   TEXT NOT NULL DEFAULT '',
  reason   TEXT NOT NULL DEFAULT '',
  affected INTEGER NOT NULL DEFAULT 0,
  outcome  TEXT NOT NULL DEFAULT ''
) STRICT;

-- queue: 64 bits of topic and key, or of the coordinates of a record without a key. Events of one
-- queue wait for each other, in order of their offsets; only the first has a due_at.
ALTER TABLE {kinbox}.parked_events ADD COLUMN queue INTEGER NOT NULL DEFAULT 0;
-- Failed tries since it was parked.
ALTER TABLE {kinbox}.parked_events ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE {kinbox}.parked_events ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE {kinbox}.parked_events ADD COLUMN error_group TEXT NOT NULL DEFAULT '';
-- The letter that was tried again while its key had a queue.
ALTER TABLE {kinbox}.parked_events ADD COLUMN dead_letter_id INTEGER REFERENCES dead_letters (id);
DROP INDEX {kinbox}.parked_events_due;
CREATE INDEX {kinbox}.parked_events_due ON parked_events (consumer, topic, partition, due_at)
  WHERE due_at IS NOT NULL;
CREATE INDEX {kinbox}.parked_events_queue
  ON parked_events (consumer, topic, partition, queue, record_offset);
CREATE INDEX {kinbox}.parked_events_by_event ON parked_events (consumer, event_id);

-- Workers that run, so that others can tell whether a partition's owner is at work.
CREATE TABLE {kinbox}.workers (
  owner      TEXT NOT NULL PRIMARY KEY,
  consumer   TEXT NOT NULL,
  host       TEXT NOT NULL,
  pid        INTEGER NOT NULL,
  version    TEXT NOT NULL,
  partitions INTEGER NOT NULL DEFAULT 0,
  started_at TEXT NOT NULL DEFAULT ({now}),
  seen_at    TEXT NOT NULL DEFAULT ({now}),
  seen_until TEXT NOT NULL
) STRICT;
