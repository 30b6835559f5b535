"""What must be true when everything that could fail has failed and was brought back.

Of a consumer called view with the handler order_view: each record has one verdict and the counters are
those of the rows; each event has its effect once, in the table `effects`; effects of a key came in
order, those of letters among themselves; everything that can be read is applied; letters and records
of the DLQ topic are the same by their ids. tests/scripts/failure_checks_test.py plants the faults.
"""
import dataclasses
import json


@dataclasses.dataclass
class Story:
    """What was produced: key and value of each record, and what is wrong with which event."""
    records: list
    # (key, number of the event or None for all of the key, 'refused', 'flaky' or 'down')
    mistakes: list
    # Their ids.
    events: set
    duplicates: int = 0
    poison: int = 0

    def total(self):
        return len(self.events) + self.duplicates + self.poison

    def refused(self):
        return sum(kind == "refused" for _, _, kind in self.mistakes)


EFFECTS = "SELECT order_id || '-' || order_number FROM {s}.effects"

# A letter's place in the order of its key is given up (docs/failures.md); letters keep theirs.
OUT_OF_ORDER = """
SELECT count(*) FROM (
  SELECT order_number, lag(order_number) OVER (PARTITION BY order_id, was_letter ORDER BY seq) AS before
    FROM (SELECT e.*, EXISTS (SELECT 1 FROM {s}.dead_letters AS d WHERE d.consumer = 'view'
                  AND d.event_id = e.order_id || '-' || e.order_number) AS was_letter
            FROM {s}.effects AS e) AS marked) AS placed
 WHERE order_number <= before"""

# Per partition, what its counters say and what its rows say.
MISCOUNTED = """
SELECT count(*) FROM {s}.consumer_progress AS p WHERE open_batch IS NOT NULL
    OR next_offset - first_offset <> applied + duplicates + parked + dead + skipped + gaps
    OR applied <> (SELECT count(*) FROM {s}.processed_events AS e WHERE e.verdict = 'applied'
                      AND e.topic = p.topic AND e.partition = p.partition)
    OR parked <> (SELECT count(*) FROM {s}.parked_events AS w
                   WHERE w.topic = p.topic AND w.partition = p.partition)
    OR dead <> (SELECT count(*) FROM {s}.dead_letters AS d WHERE d.state = 'open'
                   AND d.topic = p.topic AND d.partition = p.partition)"""

# As two records, which have one verdict each and would have two together.
TWO_LETTERS = """
SELECT count(*) FROM (SELECT event_id FROM {s}.dead_letters WHERE event_id IS NOT NULL
   GROUP BY event_id HAVING count(*) > 1) AS doubled"""

NO_EVENTS = "reason IN ('undecodable', 'missing_event_id')"


def ids_in(lines):
    """Ids of the records of a DLQ topic, as kcat -J gives them, each once."""
    ids = set()
    for line in lines:
        words = json.loads(line)["headers"]
        headers = dict(zip(words[::2], words[1::2]))
        ids.add((headers["kinbox-message-id"], headers.get("kinbox-event-id", "")))
    return ids


def letters_of(database):
    rows = database.psql("SELECT 'dlq:view:' || topic || '/' || partition || '/' || record_offset, "
                         "event_id FROM {s}.dead_letters").splitlines()
    return {tuple(row.split("|")) for row in rows}


def findings(database, story, dlq):
    """By name: what is, and what must be. `dlq` is what ids_in gave."""
    events = len(story.events)
    numbers = {
        "records with a verdict":
            ("SELECT sum(next_offset - first_offset - gaps) FROM {s}.consumer_progress",
             story.total()),
        "partitions whose counters are not those of their rows": (MISCOUNTED, 0),
        "events with a verdict": ("SELECT count(*) FROM {s}.processed_events", events),
        "of them applied":
            ("SELECT count(*) FROM {s}.processed_events WHERE verdict = 'applied'", events),
        "effects": ("SELECT count(*) FROM {s}.effects", events),
        "effects out of order": (OUT_OF_ORDER, 0),
        "duplicates": ("SELECT sum(duplicates) FROM {s}.consumer_progress", story.duplicates),
        "events with two letters": (TWO_LETTERS, 0),
        "letters left: records that are no events":
            ("SELECT count(*) FROM {s}.dead_letters WHERE state <> 'resolved' AND " + NO_EVENTS,
             story.poison),
        "letters left of another kind":
            ("SELECT count(*) FROM {s}.dead_letters WHERE state <> 'resolved' AND NOT " + NO_EVENTS,
             0),
        "letters of refused events that came back":
            ("SELECT count(*) FROM {s}.dead_letters WHERE state = 'resolved' AND error_code = 'KB001'",
             story.refused()),
        "events that are parked still": ("SELECT count(*) FROM {s}.parked_events", 0),
    }
    found = {what: (database.number(sql), wanted) for what, (sql, wanted) in numbers.items()}
    effects = set(database.psql(EFFECTS).splitlines())
    found["events without an effect"] = len(story.events - effects), 0
    found["effects of no event"] = len(effects - story.events), 0
    letters = letters_of(database)
    found["letters without a record in the DLQ topic"] = len(letters - dlq), 0
    found["records in the DLQ topic without a letter"] = len(dlq - letters), 0
    return found
