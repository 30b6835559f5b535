-- kinbox's tables. {kinbox} is "main".
-- Ids and topics compare byte for byte: collation BINARY is the default.

CREATE TABLE {kinbox}.consumers (
  name          TEXT NOT NULL PRIMARY KEY,
  group_id      TEXT NOT NULL,
  cluster_id    TEXT NOT NULL DEFAULT '',
  active_replay INTEGER,
  registered_at TEXT NOT NULL DEFAULT ({now})
) STRICT;

-- Never holds a row. While consumer_progress.open_batch points into it, every COMMIT fails: nobody
-- but the dispatcher, which clears the column last, can commit a batch.
CREATE TABLE {kinbox}.no_open_batch (
  id INTEGER PRIMARY KEY CHECK (0)
) STRICT;

CREATE TABLE {kinbox}.consumer_progress (
  consumer        TEXT NOT NULL,
  topic           TEXT NOT NULL,
  partition       INTEGER NOT NULL,
  topic_id        TEXT NOT NULL DEFAULT '',
  first_offset    INTEGER NOT NULL,
  next_offset     INTEGER NOT NULL,
  epoch           INTEGER NOT NULL DEFAULT 0,
  owner           TEXT NOT NULL DEFAULT '',
  owner_session   TEXT NOT NULL DEFAULT '',
  open_batch      INTEGER,
  applied         INTEGER NOT NULL DEFAULT 0,
  duplicates      INTEGER NOT NULL DEFAULT 0,
  parked          INTEGER NOT NULL DEFAULT 0,
  dead            INTEGER NOT NULL DEFAULT 0,
  skipped         INTEGER NOT NULL DEFAULT 0,
  gaps            INTEGER NOT NULL DEFAULT 0,
  dedup_floor     INTEGER NOT NULL DEFAULT 0,
  state           TEXT NOT NULL DEFAULT 'running',
  state_reason    TEXT NOT NULL DEFAULT '',
  control_version INTEGER NOT NULL DEFAULT 0,
  clean_stop      INTEGER NOT NULL DEFAULT 1,
  -- The record about to be tried alone after a crash, and how often it was.
  attempt_offset  INTEGER,
  attempt_count   INTEGER NOT NULL DEFAULT 0,
  updated_at      TEXT NOT NULL DEFAULT ({now}),
  PRIMARY KEY (consumer, topic, partition),
  CONSTRAINT only_the_dispatcher_commits FOREIGN KEY (open_batch)
    REFERENCES no_open_batch (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT position_law CHECK (
    open_batch IS NOT NULL OR
    next_offset - first_offset = applied + duplicates + parked + dead + skipped + gaps)
) STRICT;

-- The hot table: a rowid table, so that pruning can go in order of arrival.
CREATE TABLE {kinbox}.processed_events (
  consumer      TEXT NOT NULL,
  event_id      TEXT NOT NULL CHECK (length(CAST(event_id AS BLOB)) BETWEEN 1 AND 512),
  topic         TEXT NOT NULL,
  partition     INTEGER NOT NULL,
  record_offset INTEGER NOT NULL,
  event_type    TEXT NOT NULL,
  verdict       TEXT NOT NULL,
  fingerprint   BLOB NOT NULL,
  generation    INTEGER NOT NULL DEFAULT 0,
  processed_at  TEXT NOT NULL DEFAULT ({now}),
  PRIMARY KEY (consumer, event_id)
) STRICT;

-- headers: JSON, [["name", "base64 of the value" or null], ...] in the producer's order; a name that
-- is not UTF-8 stands as [null, value, "base64 of the name"].
CREATE TABLE {kinbox}.dead_letters (
  id                  INTEGER PRIMARY KEY AUTOINCREMENT,
  consumer            TEXT NOT NULL,
  event_id            TEXT,
  event_type          TEXT NOT NULL DEFAULT '',
  topic               TEXT NOT NULL,
  topic_id            TEXT NOT NULL DEFAULT '',
  partition           INTEGER NOT NULL,
  record_offset       INTEGER NOT NULL,
  record_timestamp_ms INTEGER,
  key                 BLOB,
  value               BLOB,
  headers             TEXT NOT NULL DEFAULT '[]',
  fingerprint         BLOB NOT NULL,
  reason              TEXT NOT NULL,
  handler             TEXT NOT NULL DEFAULT '',
  error_type          TEXT NOT NULL DEFAULT '',
  error_code          TEXT NOT NULL DEFAULT '',
  error_text          TEXT NOT NULL DEFAULT '',
  error_group         TEXT NOT NULL DEFAULT '',
  attempts            INTEGER NOT NULL DEFAULT 0,
  first_failed_at     TEXT,
  dead_at             TEXT NOT NULL DEFAULT ({now}),
  state               TEXT NOT NULL DEFAULT 'open',
  seen_again          INTEGER NOT NULL DEFAULT 0,
  redrive_count       INTEGER NOT NULL DEFAULT 0,
  UNIQUE (consumer, topic, topic_id, partition, record_offset)
) STRICT;
CREATE INDEX {kinbox}.dead_letters_by_event ON dead_letters (consumer, event_id)
  WHERE event_id IS NOT NULL;

-- Records that wait for an earlier failure of their key, in order.
CREATE TABLE {kinbox}.parked_events (
  id                  INTEGER PRIMARY KEY AUTOINCREMENT,
  consumer            TEXT NOT NULL,
  event_id            TEXT NOT NULL,
  event_type          TEXT NOT NULL DEFAULT '',
  topic               TEXT NOT NULL,
  topic_id            TEXT NOT NULL DEFAULT '',
  partition           INTEGER NOT NULL,
  record_offset       INTEGER NOT NULL,
  record_timestamp_ms INTEGER,
  key                 BLOB,
  value               BLOB,
  headers             TEXT NOT NULL DEFAULT '[]',
  fingerprint         BLOB NOT NULL,
  reason              TEXT NOT NULL DEFAULT '',
  handler             TEXT NOT NULL DEFAULT '',
  error_type          TEXT NOT NULL DEFAULT '',
  error_code          TEXT NOT NULL DEFAULT '',
  error_text          TEXT NOT NULL DEFAULT '',
  attempts            INTEGER NOT NULL DEFAULT 0,
  first_failed_at     TEXT,
  parked_at           TEXT NOT NULL DEFAULT ({now}),
  due_at              TEXT,
  state               TEXT NOT NULL DEFAULT 'parked',
  seen_again          INTEGER NOT NULL DEFAULT 0,
  UNIQUE (consumer, topic, topic_id, partition, record_offset)
) STRICT;
CREATE INDEX {kinbox}.parked_events_due ON parked_events (consumer, due_at);

-- What has yet to reach Kafka. A dead letter's row points to its payload instead of copying it.
CREATE TABLE {kinbox}.outbox (
  id                  INTEGER PRIMARY KEY AUTOINCREMENT,
  lane                INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 63),
  message_id          TEXT NOT NULL,
  topic               TEXT NOT NULL,
  dead_letter_id      INTEGER REFERENCES dead_letters (id),
  key                 BLOB,
  value               BLOB,
  headers             TEXT NOT NULL DEFAULT '[]',
  record_timestamp_ms INTEGER,
  state               TEXT NOT NULL DEFAULT 'pending',
  attempts            INTEGER NOT NULL DEFAULT 0,
  last_error          TEXT NOT NULL DEFAULT '',
  created_at          TEXT NOT NULL DEFAULT ({now}),
  sent_at             TEXT
) STRICT;
CREATE INDEX {kinbox}.outbox_pending ON outbox (lane, id) WHERE state = 'pending';

CREATE TABLE {kinbox}.outbox_lanes (
  lane         INTEGER PRIMARY KEY CHECK (lane BETWEEN 0 AND 63),
  token        TEXT NOT NULL DEFAULT '',
  leased_until TEXT
) STRICT;
INSERT INTO {kinbox}.outbox_lanes (lane)
  WITH RECURSIVE lanes (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM lanes WHERE n < 63)
  SELECT n FROM lanes;
