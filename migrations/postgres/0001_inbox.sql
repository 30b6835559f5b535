-- kinbox's tables. {kinbox} is the schema, "kinbox" unless configured otherwise.
-- Ids and topics compare byte for byte on every server: collation "C".

CREATE TABLE {kinbox}.consumers (
  name          text COLLATE "C" PRIMARY KEY,
  group_id      text COLLATE "C" NOT NULL,
  cluster_id    text COLLATE "C" NOT NULL DEFAULT '',
  active_replay bigint,
  registered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Never holds a row. While consumer_progress.open_batch points into it, every COMMIT fails: nobody
-- but the dispatcher, which clears the column last, can commit a batch.
CREATE TABLE {kinbox}.no_open_batch (
  id smallint PRIMARY KEY CHECK (false)
);

-- fillfactor: every batch updates its row twice, within the page.
CREATE TABLE {kinbox}.consumer_progress (
  consumer        text COLLATE "C" NOT NULL,
  topic           text COLLATE "C" NOT NULL,
  partition       integer NOT NULL,
  topic_id        text COLLATE "C" NOT NULL DEFAULT '',
  first_offset    bigint NOT NULL,
  next_offset     bigint NOT NULL,
  epoch           bigint NOT NULL DEFAULT 0,
  owner           text COLLATE "C" NOT NULL DEFAULT '',
  owner_session   text COLLATE "C" NOT NULL DEFAULT '',
  open_batch      smallint,
  applied         bigint NOT NULL DEFAULT 0,
  duplicates      bigint NOT NULL DEFAULT 0,
  parked          bigint NOT NULL DEFAULT 0,
  dead            bigint NOT NULL DEFAULT 0,
  skipped         bigint NOT NULL DEFAULT 0,
  gaps            bigint NOT NULL DEFAULT 0,
  dedup_floor     bigint NOT NULL DEFAULT 0,
  state           text COLLATE "C" NOT NULL DEFAULT 'running',
  state_reason    text NOT NULL DEFAULT '',
  control_version bigint NOT NULL DEFAULT 0,
  clean_stop      boolean NOT NULL DEFAULT true,
  -- The record about to be tried alone after a crash, and how often it was.
  attempt_offset  bigint,
  attempt_count   integer NOT NULL DEFAULT 0,
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer, topic, partition),
  CONSTRAINT only_the_dispatcher_commits FOREIGN KEY (open_batch)
    REFERENCES {kinbox}.no_open_batch (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT position_law CHECK (
    open_batch IS NOT NULL OR
    next_offset - first_offset = applied + duplicates + parked + dead + skipped + gaps)
) WITH (fillfactor = 50);

-- The hot table: one b-tree, the primary key. Never partition it by time: uniqueness would no longer
-- span the partitions.
CREATE TABLE {kinbox}.processed_events (
  consumer      text COLLATE "C" NOT NULL,
  event_id      text COLLATE "C" NOT NULL CHECK (octet_length(event_id) BETWEEN 1 AND 512),
  topic         text COLLATE "C" NOT NULL,
  partition     integer NOT NULL,
  record_offset bigint NOT NULL,
  event_type    text COLLATE "C" NOT NULL,
  verdict       text COLLATE "C" NOT NULL,
  fingerprint   bytea NOT NULL,
  generation    bigint NOT NULL DEFAULT 0,
  processed_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);
CREATE INDEX processed_events_by_time ON {kinbox}.processed_events USING brin (processed_at);

-- headers: JSON, [["name", "base64 of the value" or null], ...] in the producer's order; a name that
-- is not UTF-8 stands as [null, value, "base64 of the name"].
CREATE TABLE {kinbox}.dead_letters (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  consumer            text COLLATE "C" NOT NULL,
  event_id            text COLLATE "C",
  event_type          text COLLATE "C" NOT NULL DEFAULT '',
  topic               text COLLATE "C" NOT NULL,
  topic_id            text COLLATE "C" NOT NULL DEFAULT '',
  partition           integer NOT NULL,
  record_offset       bigint NOT NULL,
  record_timestamp_ms bigint,
  key                 bytea,
  value               bytea,
  headers             text NOT NULL DEFAULT '[]',
  fingerprint         bytea NOT NULL,
  reason              text COLLATE "C" NOT NULL,
  handler             text COLLATE "C" NOT NULL DEFAULT '',
  error_type          text COLLATE "C" NOT NULL DEFAULT '',
  error_code          text COLLATE "C" NOT NULL DEFAULT '',
  error_text          text NOT NULL DEFAULT '',
  error_group         text COLLATE "C" NOT NULL DEFAULT '',
  attempts            integer NOT NULL DEFAULT 0,
  first_failed_at     timestamptz,
  dead_at             timestamptz NOT NULL DEFAULT clock_timestamp(),
  state               text COLLATE "C" NOT NULL DEFAULT 'open',
  seen_again          bigint NOT NULL DEFAULT 0,
  redrive_count       integer NOT NULL DEFAULT 0,
  UNIQUE (consumer, topic, topic_id, partition, record_offset)
);
CREATE INDEX dead_letters_by_event ON {kinbox}.dead_letters (consumer, event_id)
  WHERE event_id IS NOT NULL;

-- Records that wait for an earlier failure of their key, in order.
CREATE TABLE {kinbox}.parked_events (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  consumer            text COLLATE "C" NOT NULL,
  event_id            text COLLATE "C" NOT NULL,
  event_type          text COLLATE "C" NOT NULL DEFAULT '',
  topic               text COLLATE "C" NOT NULL,
  topic_id            text COLLATE "C" NOT NULL DEFAULT '',
  partition           integer NOT NULL,
  record_offset       bigint NOT NULL,
  record_timestamp_ms bigint,
  key                 bytea,
  value               bytea,
  headers             text NOT NULL DEFAULT '[]',
  fingerprint         bytea NOT NULL,
  reason              text COLLATE "C" NOT NULL DEFAULT '',
  handler             text COLLATE "C" NOT NULL DEFAULT '',
  error_type          text COLLATE "C" NOT NULL DEFAULT '',
  error_code          text COLLATE "C" NOT NULL DEFAULT '',
  error_text          text NOT NULL DEFAULT '',
  attempts            integer NOT NULL DEFAULT 0,
  first_failed_at     timestamptz,
  parked_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  due_at              timestamptz,
  state               text COLLATE "C" NOT NULL DEFAULT 'parked',
  seen_again          bigint NOT NULL DEFAULT 0,
  UNIQUE (consumer, topic, topic_id, partition, record_offset)
);
CREATE INDEX parked_events_due ON {kinbox}.parked_events (consumer, due_at);

-- What has yet to reach Kafka. A dead letter's row points to its payload instead of copying it.
CREATE TABLE {kinbox}.outbox (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lane                smallint NOT NULL CHECK (lane BETWEEN 0 AND 63),
  message_id          text COLLATE "C" NOT NULL,
  topic               text COLLATE "C" NOT NULL,
  dead_letter_id      bigint REFERENCES {kinbox}.dead_letters (id),
  key                 bytea,
  value               bytea,
  headers             text NOT NULL DEFAULT '[]',
  record_timestamp_ms bigint,
  state               text COLLATE "C" NOT NULL DEFAULT 'pending',
  attempts            integer NOT NULL DEFAULT 0,
  last_error          text NOT NULL DEFAULT '',
  created_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
  sent_at             timestamptz
);
CREATE INDEX outbox_pending ON {kinbox}.outbox (lane, id) WHERE state = 'pending';

CREATE TABLE {kinbox}.outbox_lanes (
  lane         smallint PRIMARY KEY CHECK (lane BETWEEN 0 AND 63),
  token        text COLLATE "C" NOT NULL DEFAULT '',
  leased_until timestamptz
);
INSERT INTO {kinbox}.outbox_lanes (lane) SELECT generate_series(0, 63);
