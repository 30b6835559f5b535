-- min_reader: 6
-- What becomes of a dead letter, in a narrow row of its own. The state stood in three indexes of the
-- letters, so that one that was applied was a new version in all eight; now its narrow row goes.

DROP INDEX {kinbox}.dead_letters_by_group;
DROP INDEX {kinbox}.dead_letters_by_time;
DROP INDEX {kinbox}.dead_letters_by_state;
DROP INDEX {kinbox}.dead_letters_requested;
ALTER TABLE {kinbox}.dead_letters RENAME TO letters;

-- A letter that is resolved has no row. What desks sort by stands here as well.
-- state: open; requested (its owner tries it again from due_at on); parked (it waits in its key's
-- queue); discarded.
CREATE TABLE {kinbox}.letter_states (
  id            bigint PRIMARY KEY REFERENCES {kinbox}.letters (id) ON DELETE CASCADE,
  consumer      text COLLATE "C" NOT NULL,
  topic         text COLLATE "C" NOT NULL,
  partition     integer NOT NULL,
  record_offset bigint NOT NULL,
  error_group   text COLLATE "C" NOT NULL,
  dead_at       timestamptz NOT NULL,
  redrive_count integer NOT NULL,
  state         text COLLATE "C" NOT NULL,
  due_at        timestamptz,
  changed_at    timestamptz
);
INSERT INTO {kinbox}.letter_states
  SELECT id, consumer, topic, partition, record_offset, error_group, dead_at, redrive_count, state,
         due_at, changed_at
    FROM {kinbox}.letters WHERE state <> 'resolved';

-- Groups are counted from the first alone: few different keys, which the server stores once. The
-- second has the first and last of a group at its ends. The same for all letters, from which those of
-- the resolved ones follow.
CREATE INDEX letter_states_by_group
  ON {kinbox}.letter_states (state, consumer, error_group, redrive_count);
CREATE INDEX letter_states_by_time
  ON {kinbox}.letter_states (state, consumer, error_group, dead_at, id);
CREATE INDEX letter_states_by_state ON {kinbox}.letter_states (state, consumer, id);
CREATE INDEX letter_states_requested
  ON {kinbox}.letter_states (consumer, topic, partition, record_offset) WHERE state = 'requested';
CREATE INDEX letters_by_group ON {kinbox}.letters (consumer, error_group, redrive_count);
CREATE INDEX letters_by_time ON {kinbox}.letters (consumer, error_group, dead_at, id);

ALTER TABLE {kinbox}.letters DROP COLUMN state, DROP COLUMN due_at, DROP COLUMN changed_at;
-- When attempts failed, one after the other: "2026-01-31T12:00:00.000Z 2026-01-31T12:00:00.200Z".
ALTER TABLE {kinbox}.letters ADD COLUMN failed_at text NOT NULL DEFAULT '';
ALTER TABLE {kinbox}.parked_events ADD COLUMN failed_at text NOT NULL DEFAULT '';
ALTER TABLE {kinbox}.letter_states SET (autovacuum_vacuum_scale_factor = 0.05);

-- Letters that are not resolved. letter_id is the id once more: a bound of one of them says nothing
-- about the other's table to the planner.
CREATE VIEW {kinbox}.unresolved_letters AS
SELECT s.id, s.consumer, l.event_id, l.event_type, s.topic, l.topic_id, s.partition, s.record_offset,
       l.record_timestamp_ms, l.key, l.value, l.headers, l.fingerprint, l.reason, l.handler,
       l.error_type, l.error_code, l.error_text, s.error_group, l.attempts, l.first_failed_at,
       s.dead_at, l.seen_again, s.redrive_count, l.imported, l.retry_as, l.edited, l.edited_value,
       l.purged_at, l.crashes, l.failed_at, s.state, s.due_at, s.changed_at,
       l.id AS letter_id
  FROM {kinbox}.letter_states AS s
  JOIN {kinbox}.letters AS l ON l.id = s.id AND l.consumer = s.consumer;

-- All of them.
CREATE VIEW {kinbox}.dead_letters AS
SELECT l.id, l.consumer, l.event_id, l.event_type, l.topic, l.topic_id, l.partition, l.record_offset,
       l.record_timestamp_ms, l.key, l.value, l.headers, l.fingerprint, l.reason, l.handler,
       l.error_type, l.error_code, l.error_text, l.error_group, l.attempts, l.first_failed_at,
       l.dead_at, l.seen_again, l.redrive_count, l.imported, l.retry_as, l.edited, l.edited_value,
       l.purged_at, l.crashes, l.failed_at, COALESCE(s.state, 'resolved') AS state,
       s.due_at,
       CASE WHEN s.id IS NOT NULL THEN s.changed_at
            ELSE (SELECT max(h.at) FROM {kinbox}.dead_letter_history AS h
                   WHERE h.dead_letter_id = l.id) END AS changed_at
  FROM {kinbox}.letters AS l LEFT JOIN {kinbox}.letter_states AS s ON s.id = l.id;
