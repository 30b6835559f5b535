-- min_reader: 5
-- Replays, partitions that wait for one, and what is cleared away.

ALTER TABLE {kinbox}.consumer_progress
  -- The replay that the partition waits for: its owner takes no batch until then.
  ADD COLUMN held_by bigint,
  -- The one of what was set aside that is being tried alone now, if `attempting` is not about
  -- attempt_offset.
  ADD COLUMN attempt_parked bigint,
  ADD COLUMN attempt_letter bigint,
  -- What `inbox verify` needs to recount the rows. Of a position that was set: the lowest and the
  -- highest offset it stood at; NULL if it never was.
  ADD COLUMN lowest_offset bigint,
  ADD COLUMN highest_offset bigint,
  -- Inbox rows below it may have been pruned.
  ADD COLUMN pruned_below bigint NOT NULL DEFAULT 0,
  -- Rows of applied events that went with their topic.
  ADD COLUMN forgotten bigint NOT NULL DEFAULT 0,
  -- Rows that no counter knows at most: of replays that ended, and of imported letters that are gone.
  ADD COLUMN brought bigint NOT NULL DEFAULT 0;

-- How many processes it was the last thing of, tried alone.
ALTER TABLE {kinbox}.parked_events ADD COLUMN crashes integer NOT NULL DEFAULT 0;
ALTER TABLE {kinbox}.dead_letters ADD COLUMN crashes integer NOT NULL DEFAULT 0;

-- One run over a piece of the past. mode: fill, reprocess, trial. state: running; paused; done;
-- cancelled; trial: one that is on its way, or did not come to its end.
CREATE TABLE {kinbox}.replays (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  consumer        text COLLATE "C" NOT NULL,
  mode            text COLLATE "C" NOT NULL,
  state           text COLLATE "C" NOT NULL DEFAULT 'running',
  state_reason    text NOT NULL DEFAULT '',
  -- Of reprocess: an event runs once in it.
  generation      bigint NOT NULL DEFAULT 0,
  plan_hash       text COLLATE "C" NOT NULL,
  -- The plan as it was confirmed, and the choices made with it. JSON.
  plan            text NOT NULL,
  -- The handlers' own preparations have been made.
  prepared        boolean NOT NULL DEFAULT false,
  -- Who runs it now; nobody from seen_until on.
  owner           text COLLATE "C" NOT NULL DEFAULT '',
  owner_session   text COLLATE "C" NOT NULL DEFAULT '',
  -- Whoever had it last left in order.
  clean_stop      boolean NOT NULL DEFAULT true,
  seen_until      timestamptz,
  who             text NOT NULL,
  audit_id        bigint,
  started_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at        timestamptz
);
CREATE UNIQUE INDEX replays_active ON {kinbox}.replays (consumer) WHERE state IN ('running', 'paused');

-- How far it is, per partition. open_batch as in consumer_progress.
CREATE TABLE {kinbox}.replay_progress (
  replay_id    bigint NOT NULL REFERENCES {kinbox}.replays (id) ON DELETE CASCADE,
  topic        text COLLATE "C" NOT NULL,
  partition    integer NOT NULL,
  topic_id     text COLLATE "C" NOT NULL DEFAULT '',
  begin_offset bigint NOT NULL,
  next_offset  bigint NOT NULL,
  end_offset   bigint NOT NULL,
  open_batch   smallint,
  applied      bigint NOT NULL DEFAULT 0,
  known        bigint NOT NULL DEFAULT 0,
  dead         bigint NOT NULL DEFAULT 0,
  left_alone   bigint NOT NULL DEFAULT 0,
  -- Events that handlers emitted and that were not written.
  silenced     bigint NOT NULL DEFAULT 0,
  -- Events among them that had no verdict before.
  fresh        bigint NOT NULL DEFAULT 0,
  -- Records run one at a time at first: whoever had the replay before did not leave in order.
  suspect      boolean NOT NULL DEFAULT false,
  -- Offset of the one that is being tried alone now.
  attempting   bigint,
  PRIMARY KEY (replay_id, topic, partition),
  CONSTRAINT only_the_replayer_commits FOREIGN KEY (open_batch)
    REFERENCES {kinbox}.no_open_batch (id) DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 50);

-- Of how many processes a record was the last thing, tried alone.
CREATE TABLE {kinbox}.replay_crashes (
  replay_id     bigint NOT NULL REFERENCES {kinbox}.replays (id) ON DELETE CASCADE,
  topic         text COLLATE "C" NOT NULL,
  partition     integer NOT NULL,
  record_offset bigint NOT NULL,
  crashes       bigint NOT NULL,
  PRIMARY KEY (replay_id, topic, partition, record_offset)
);

-- What an event led to, found by its id: what handlers emitted and mailed, and the replies.
ALTER TABLE {kinbox}.outbox ADD COLUMN causation_id text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX outbox_by_cause ON {kinbox}.outbox (causation_id) WHERE causation_id <> '';
CREATE INDEX outbox_of_letter ON {kinbox}.outbox (dead_letter_id) WHERE dead_letter_id IS NOT NULL;
CREATE INDEX email_outbox_by_event ON {kinbox}.email_outbox (event_id) WHERE event_id <> '';

-- Who clears away, one process at a time. scope: a consumer, or '' for what belongs to none.
CREATE TABLE {kinbox}.prunings (
  scope        text COLLATE "C" PRIMARY KEY,
  token        text COLLATE "C" NOT NULL DEFAULT '',
  leased_until timestamptz,
  begun_at     timestamptz,
  -- Of processed_events: where the oldest rows were last time.
  next_block   bigint NOT NULL DEFAULT 0
);

-- Partitions whose owner tries an event again in place, once that lasts: what it said last.
CREATE TABLE {kinbox}.retries (
  owner         text COLLATE "C" NOT NULL REFERENCES {kinbox}.workers (owner) ON DELETE CASCADE,
  topic         text COLLATE "C" NOT NULL,
  partition     integer NOT NULL,
  record_offset bigint NOT NULL,
  handler       text NOT NULL,
  -- Failed ones, the first included, and when that was.
  attempts      integer NOT NULL,
  since         timestamptz NOT NULL,
  due_at        timestamptz NOT NULL,
  error_type    text NOT NULL,
  error_text    text NOT NULL,
  PRIMARY KEY (owner, topic, partition)
);

-- Whoever deletes a letter looks for what refers to it.
CREATE INDEX parked_events_of_letter ON {kinbox}.parked_events (dead_letter_id)
  WHERE dead_letter_id IS NOT NULL;

-- By default the server cleans a table when a fifth of it is dead: of fifty million rows, ten.
ALTER TABLE {kinbox}.processed_events SET (
  autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
ALTER TABLE {kinbox}.dead_letters SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE {kinbox}.dead_letter_history SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE {kinbox}.outbox SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE {kinbox}.email_outbox SET (autovacuum_vacuum_scale_factor = 0.05);
