#!/usr/bin/env python3
"""Plants faults among the rows of a small story, and sees that `scripts/soak failures` finds them.

failure_checks_test.py KINBOX: the program brings its own tables into PostgreSQL. Exit code 77 where there
is no server and nobody asked for one (CI).
"""
import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/lib/soak"))

from failure_checks import Story, findings, ids_in, letters_of  # noqa: E402
from shipped import Database, show  # noqa: E402

SKIPPED = 77

# Two keys. b-1 comes twice, a-2 was refused and came back last, one record is no event.
STORY = Story(records=[], mistakes=[("a", 2, "refused"), ("b", None, "down")],
              events={"a-1", "a-2", "a-3", "b-1", "b-2"}, duplicates=1, poison=1)

ROWS = """
INSERT INTO {s}.consumers (name, group_id) VALUES ('view', 'g');
INSERT INTO {s}.consumer_progress
  (consumer, topic, partition, first_offset, next_offset, applied, duplicates, dead, gaps) VALUES
  ('view', 't', 0, 0, 3, 3, 0, 0, 0), ('view', 't', 1, 5, 10, 2, 1, 1, 1);
INSERT INTO {s}.processed_events
  (consumer, event_id, topic, partition, record_offset, event_type, verdict, fingerprint)
  SELECT 'view', event_id, 't', partition, record_offset, 'ORDER_CREATED', 'applied', '\\x00'
    FROM (VALUES ('a-1', 0, 0), ('a-2', 0, 1), ('a-3', 0, 2), ('b-1', 1, 5), ('b-2', 1, 7))
      AS event (event_id, partition, record_offset);
INSERT INTO {s}.letters (consumer, event_id, topic, partition, record_offset, fingerprint, reason,
  error_code) VALUES
  ('view', 'a-2', 't', 0, 1, '\\x00', 'retries_exhausted', 'KB001'),
  ('view', NULL, 't', 1, 8, '\\x00', 'undecodable', '');
INSERT INTO {s}.letter_states (id, consumer, topic, partition, record_offset, error_group, dead_at,
  redrive_count, state)
  SELECT id, consumer, topic, partition, record_offset, error_group, dead_at, redrive_count, 'open'
    FROM {s}.letters WHERE event_id IS NULL;
CREATE TABLE {s}.effects (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text NOT NULL, order_number bigint NOT NULL);
INSERT INTO {s}.effects (order_id, order_number) VALUES
  ('a', 1), ('b', 1), ('a', 3), ('b', 2), ('a', 2);
"""

CONFIGURATION = """\
kafka: {{bootstrap.servers: localhost:1}}
database: {{postgres: "{uri}", schema: {schema}}}
consumers: [{{name: view, group: g, topics: [t], handlers: [order_view]}}]
"""


def letter_of_a_2(state):
    return f"""INSERT INTO {{s}}.letter_states (id, consumer, topic, partition, record_offset,
                 error_group, dead_at, redrive_count, state)
               SELECT id, consumer, topic, partition, record_offset, error_group, dead_at,
                 redrive_count, '{state}' FROM {{s}}.letters WHERE event_id = 'a-2'"""


class FailureChecks(unittest.TestCase):
    """Constraints that keep a fault from being stored go first."""

    def setUp(self):
        uri, schema = os.environ["KINBOX_TEST_POSTGRES"], f"checks_{uuid.uuid4().hex[:12]}"
        self.database = Database(uri, schema)
        self.addCleanup(self.database.psql, "SET client_min_messages = error; DROP SCHEMA {s} CASCADE")
        self.assertEqual(self.database.decided(), 0)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as configuration:
            configuration.write(CONFIGURATION.format(uri=uri, schema=schema))
            configuration.flush()
            subprocess.run([KINBOX, "migrate", "up", "-c", configuration.name], check=True,
                           capture_output=True)
        self.database.psql(ROWS)
        self.dlq = letters_of(self.database)

    def complaints(self, fault=""):
        """What is not as it must be, after `fault`."""
        self.database.psql(fault)
        found = findings(self.database, STORY, self.dlq)
        return {what for what, (actual, wanted) in found.items() if actual != wanted}

    def test_a_story_that_ended_well_has_no_complaints(self):
        self.assertEqual(self.complaints(), set())
        self.assertEqual(self.database.decided(), 8)

    def test_an_event_applied_twice(self):
        self.assertIn("effects", self.complaints(
            "INSERT INTO {s}.effects (order_id, order_number) VALUES ('b', 2)"))

    def test_an_event_applied_twice_and_another_never(self):
        self.assertIn("events without an effect", self.complaints(
            "UPDATE {s}.effects SET order_number = 1 WHERE order_id = 'b'"))

    def test_an_effect_of_no_event(self):
        self.assertIn("effects of no event", self.complaints(
            "UPDATE {s}.effects SET order_number = 9 WHERE order_id = 'b' AND order_number = 2"))

    def test_effects_of_a_key_out_of_order(self):
        self.assertEqual(self.complaints(
            "UPDATE {s}.effects SET order_number = 4 - order_number WHERE order_id = 'a'"),
            {"effects out of order"})

    def test_letters_of_a_key_out_of_order_among_themselves(self):
        self.assertIn("effects out of order", self.complaints(
            """UPDATE {s}.effects SET order_number = 3 - order_number WHERE order_id = 'b';
               INSERT INTO {s}.letters (consumer, event_id, topic, partition, record_offset,
                 fingerprint, reason) SELECT 'view', event_id, topic, partition, record_offset,
                 fingerprint, 'retries_exhausted' FROM {s}.processed_events
                 WHERE event_id LIKE 'b-%'"""))

    def test_a_letter_without_its_record_in_the_dlq_topic(self):
        self.dlq.remove(("dlq:view:t/0/1", "a-2"))
        self.assertEqual(self.complaints(), {"letters without a record in the DLQ topic"})

    def test_a_record_in_the_dlq_topic_without_a_letter(self):
        self.dlq.add(("dlq:view:t/0/0", "a-1"))
        self.assertEqual(self.complaints(), {"records in the DLQ topic without a letter"})

    def test_a_letter_under_another_event_than_its_record(self):
        self.dlq.remove(("dlq:view:t/1/8", ""))
        self.dlq.add(("dlq:view:t/1/8", "b-2"))
        self.assertEqual(len(self.complaints()), 2)

    def test_an_event_that_is_applied_and_a_letter_that_is_open(self):
        self.assertEqual(self.complaints(
            letter_of_a_2("open")),
            {"letters left of another kind", "letters of refused events that came back",
             "partitions whose counters are not those of their rows"})

    def test_a_letter_that_is_requested_still(self):
        self.assertIn("letters left of another kind", self.complaints(
            letter_of_a_2("requested")))

    def test_a_record_that_counts_as_applied_and_as_dead(self):
        self.assertEqual(self.complaints(
            "ALTER TABLE {s}.consumer_progress DROP CONSTRAINT position_law;"
            "UPDATE {s}.consumer_progress SET dead = dead + 1 WHERE partition = 0"),
            {"partitions whose counters are not those of their rows"})

    def test_a_record_with_one_verdict_in_the_row_and_another_in_the_counters(self):
        self.assertEqual(self.complaints(
            "UPDATE {s}.consumer_progress SET applied = applied - 1, parked = parked + 1 "
            "WHERE partition = 0"),
            {"partitions whose counters are not those of their rows"})

    def test_an_event_with_the_wrong_verdict(self):
        self.assertIn("of them applied", self.complaints(
            "UPDATE {s}.processed_events SET verdict = 'dead' WHERE event_id = 'b-2'"))

    def test_an_event_with_two_letters(self):
        self.assertIn("events with two letters", self.complaints(
            """INSERT INTO {s}.letters (consumer, event_id, topic, partition, record_offset,
                 fingerprint, reason) SELECT 'view', 'b-1', 't', 1, record_offset, '\\x00',
                 'retries_exhausted' FROM unnest(ARRAY[5, 6]) AS record_offset"""))

    def test_a_record_that_was_passed_over(self):
        self.assertIn("records with a verdict", self.complaints(
            "UPDATE {s}.consumer_progress SET next_offset = 11, gaps = 2 WHERE partition = 1;"
            "UPDATE {s}.consumer_progress SET next_offset = 2, applied = 2 WHERE partition = 0"))

    def test_a_batch_that_is_open_still(self):
        self.assertEqual(self.complaints(
            """ALTER TABLE {s}.consumer_progress DROP CONSTRAINT only_the_dispatcher_commits;
               UPDATE {s}.consumer_progress SET open_batch = 1 WHERE partition = 0"""),
            {"partitions whose counters are not those of their rows"})

    def test_an_event_that_waits_still(self):
        self.assertEqual(self.complaints(
            """INSERT INTO {s}.parked_events (consumer, event_id, topic, partition, record_offset,
                 fingerprint) VALUES ('view', 'b-2', 't', 1, 7, '\\x00')"""),
            {"events that are parked still", "partitions whose counters are not those of their rows"})

    def test_poison_that_left_no_letter(self):
        self.dlq.remove(("dlq:view:t/1/8", ""))
        self.assertIn("letters left: records that are no events", self.complaints(
            "DELETE FROM {s}.letters WHERE event_id IS NULL"))


class Words(unittest.TestCase):
    def test_a_dlq_topic_is_read_by_ids_and_a_letter_that_failed_again_is_one(self):
        line = json.dumps({"headers": ["kinbox-message-id", "dlq:view:t/0/1", "kinbox-event-id", "a-2"]})
        poison = json.dumps({"headers": ["kinbox-reason", "undecodable",
                                         "kinbox-message-id", "dlq:view:t/1/8"]})
        self.assertEqual(ids_in([line, poison, line]),
                         {("dlq:view:t/0/1", "a-2"), ("dlq:view:t/1/8", "")})

    def test_what_is_not_as_expected_fails_the_soak(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertFalse(show({"effects": (1001, 1000), "duplicates": (3, 3)}))
            self.assertTrue(show({"duplicates": (3, 3)}))
        self.assertIn("FAIL  effects: 1,001 (expected 1,000)\nok    duplicates: 3", said.getvalue())


if __name__ == "__main__":
    if "KINBOX_TEST_POSTGRES" not in os.environ:
        print("KINBOX_TEST_POSTGRES is not set, so there is no PostgreSQL for this test: run scripts/test")
        sys.exit(1 if os.environ.get("CI") else SKIPPED)
    KINBOX = sys.argv.pop(1)
    unittest.main(verbosity=2)
