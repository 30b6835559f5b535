-- min_reader: 4
-- Failing events: queues of keys that wait, dead letters that are tried again, and what people did.

ALTER TABLE {kinbox}.consumers
  -- Raised with a partition's by whoever changes rows from outside: one look for all partitions.
  ADD COLUMN control_version bigint NOT NULL DEFAULT 0,
  -- What is left of the budget of dead letters; NULL until it was needed.
  ADD COLUMN dlq_tokens double precision;

ALTER TABLE {kinbox}.consumer_progress
  -- The owner before this one did not leave in order: one of the next records may have ended it.
  ADD COLUMN suspect boolean NOT NULL DEFAULT false,
  -- attempt_offset is being tried alone now. If its process does not survive that, the partition's
  -- next owner adds one to attempt_count: as often as the record was the last thing of a process.
  ADD COLUMN attempting boolean NOT NULL DEFAULT false;

-- state: open; requested (its owner tries it again from due_at on); parked (it waits in its key's
-- queue); resolved (applied); discarded.
-- A value that a person edited stands beside the original one.
ALTER TABLE {kinbox}.dead_letters
  ADD COLUMN imported boolean NOT NULL DEFAULT false,
  ADD COLUMN due_at timestamptz,
  ADD COLUMN retry_as text COLLATE "C",
  ADD COLUMN edited boolean NOT NULL DEFAULT false,
  ADD COLUMN edited_value bytea,
  ADD COLUMN changed_at timestamptz,
  ADD COLUMN purged_at timestamptz;
-- Groups are counted from the first alone: few different keys, which the server stores once. The
-- second has the first and last of a group at its ends.
CREATE INDEX dead_letters_by_group
  ON {kinbox}.dead_letters (state, consumer, error_group, redrive_count);
CREATE INDEX dead_letters_by_time
  ON {kinbox}.dead_letters (state, consumer, error_group, dead_at, id);
CREATE INDEX dead_letters_by_state ON {kinbox}.dead_letters (state, consumer, id);
CREATE INDEX dead_letters_requested
  ON {kinbox}.dead_letters (consumer, topic, partition, record_offset) WHERE state = 'requested';
-- Keys have no bound that a b-tree could keep.
CREATE INDEX dead_letters_by_key ON {kinbox}.dead_letters USING hash (key);

-- what: requested, failed_again, applied, parked, edited, discarded, restored, purged, imported,
-- dead_lettered (by a person, out of its key's queue).
CREATE TABLE {kinbox}.dead_letter_history (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dead_letter_id bigint NOT NULL REFERENCES {kinbox}.dead_letters (id) ON DELETE CASCADE,
  at             timestamptz NOT NULL DEFAULT clock_timestamp(),
  what           text COLLATE "C" NOT NULL,
  detail         text NOT NULL DEFAULT '',
  -- The person's action, if it was one.
  audit_id       bigint
);
CREATE INDEX dead_letter_history_of ON {kinbox}.dead_letter_history (dead_letter_id, id);

-- What people did. outcome: '' while it is being done.
CREATE TABLE {kinbox}.audit (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  who      text NOT NULL,
  action   text COLLATE "C" NOT NULL,
  consumer text COLLATE "C" NOT NULL DEFAULT '',
  filter   text NOT NULL DEFAULT '',
  reason   text NOT NULL DEFAULT '',
  affected bigint NOT NULL DEFAULT 0,
  outcome  text NOT NULL DEFAULT ''
);

-- queue: 64 bits of topic and key, or of the coordinates of a record without a key. Events of one
-- queue wait for each other, in order of their offsets; only the first has a due_at.
ALTER TABLE {kinbox}.parked_events
  ADD COLUMN queue bigint NOT NULL DEFAULT 0,
  -- Failed tries since it was parked.
  ADD COLUMN tries integer NOT NULL DEFAULT 0,
  ADD COLUMN imported boolean NOT NULL DEFAULT false,
  ADD COLUMN error_group text COLLATE "C" NOT NULL DEFAULT '',
  -- The letter that was tried again while its key had a queue.
  ADD COLUMN dead_letter_id bigint REFERENCES {kinbox}.dead_letters (id);
DROP INDEX {kinbox}.parked_events_due;
CREATE INDEX parked_events_due ON {kinbox}.parked_events (consumer, topic, partition, due_at)
  WHERE due_at IS NOT NULL;
CREATE INDEX parked_events_queue
  ON {kinbox}.parked_events (consumer, topic, partition, queue, record_offset);
CREATE INDEX parked_events_by_event ON {kinbox}.parked_events (consumer, event_id);

-- Workers that run, so that others can tell whether a partition's owner is at work.
CREATE TABLE {kinbox}.workers (
  owner      text COLLATE "C" PRIMARY KEY,
  consumer   text COLLATE "C" NOT NULL,
  host       text NOT NULL,
  pid        bigint NOT NULL,
  version    text COLLATE "C" NOT NULL,
  partitions integer NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_until timestamptz NOT NULL
);
