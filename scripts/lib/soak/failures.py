"""Events that fail in every way, through the shipped program, while its processes are killed.

100,000 events and some duplicates in real Kafka, the shipped handler order_view on PostgreSQL. Triggers on
its table are the mistakes: one event in a hundred is refused until a person mends it, two in a
hundred fail every other time, five keys cannot be handled at all for a minute. One record in a
hundred is no event (no JSON, or no id). Two processes of `kinbox run` consume; one of them gets
SIGKILL again and again: while they consume, while keys wait, and while `dlq retry --all` brings the
letters back after the mistakes are mended.

Afterwards SQL and the DLQ topic are held against what was produced: failure_checks.py says how.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

import failure_checks
import shipped
from failure_checks import Story
from shipped import BENCH, KINBOX, build, say, show
from workshop import ROOT, SERVICES, checked, end_in_order, services_environment

OUTPUT = ROOT / "build/soak-failures"
EVENTS_PER_KEY = 50
KEYS_DOWN = 5
PATIENCE = 900

# A key that is down is tried often enough to be through soon after it is mended.
CONFIGURATION = """\
kafka: {{bootstrap.servers: "{brokers}", session.timeout.ms: 3000, heartbeat.interval.ms: 500}}
database: {{postgres: "{uri}", schema: {schema}, migrate: auto}}
consumers:
  - name: view
    group: view-{run}
    topics: [{topic}]
    dlq_topic: "dlq.{{topic}}"
    handlers: [order_view]
    workers: 2
    on_error:
      retry: {{max_attempts: 4, first_delay: 20ms, max_delay: 200ms}}
      then: park
      park: {{delays: [{delays}], then: dead_letter}}
      rules: [{{code: KB001, then: dead_letter, retry: {{max_attempts: 1}}}}]
log: {{level: warning}}
"""
DELAYS = ["1s", "2s", "4s", *["8s"] * 60]

# order_number NULL: all events of the order. AFTER, with a number from a sequence: effects of one
# order are written one after the other, so their numbers tell their order.
MISTAKES = """
CREATE TABLE {s}.mistakes (order_id text NOT NULL, order_number text, kind text NOT NULL);
CREATE TABLE {s}.effects (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text NOT NULL, order_number bigint NOT NULL);
CREATE FUNCTION {s}.make_mistakes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
  SELECT kind INTO found FROM {s}.mistakes AS m WHERE m.order_id = NEW.order_id
    AND (m.order_number IS NULL OR m.order_number = NEW.order_number);
  IF found = 'refused' THEN RAISE EXCEPTION 'the order is refused' USING ERRCODE = 'KB001'; END IF;
  IF found = 'flaky' AND random() < 0.5 THEN
    RAISE EXCEPTION 'not now' USING ERRCODE = 'KB002';
  END IF;
  IF found = 'down' THEN RAISE EXCEPTION 'its account is down' USING ERRCODE = 'KB003'; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION {s}.note_effect() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {s}.effects (order_id, order_number) VALUES (NEW.order_id, NEW.order_number::bigint);
  RETURN NULL;
END $$;
CREATE TRIGGER make_mistakes BEFORE INSERT ON {s}.order_view
  FOR EACH ROW EXECUTE FUNCTION {s}.make_mistakes();
CREATE TRIGGER note_effect AFTER INSERT OR UPDATE ON {s}.order_view
  FOR EACH ROW EXECUTE FUNCTION {s}.note_effect();
"""
BEHIND_MISTAKES = "CREATE INDEX ON {s}.mistakes (order_id); ANALYZE {s}.mistakes"

DOWN = """
SELECT count(*) FROM {s}.mistakes WHERE kind = 'down' AND order_id IN (
  SELECT convert_from(key, 'UTF8') FROM {s}.parked_events)"""


def arguments():
    parser = argparse.ArgumentParser(prog="soak failures", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="%(default)s")
    parser.add_argument("--kills", type=int, default=30, help="SIGKILLs; %(default)s")
    parser.add_argument("--minute", type=float, default=60,
                        help="seconds for which keys are down, at least; %(default)s")
    parser.add_argument("--seed", type=int, default=None, help="of events and moments; printed")
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    return parser.parse_args()


def order(key, number):
    return {"eventId": f"{key}-{number}", "eventType": "ORDER_CREATED", "orderId": key,
            "orderNumber": str(number), "buyerId": f"b-{number}", "sellerIds": ["s-1", "s-2"],
            "totalAmount": 129.90}


def unreadable(key, number):
    """No event: half of a value, or one without an id."""
    value = order(key, f"poison-{number}")
    if number % 2:
        return json.dumps(value)[:40]
    del value["eventId"]
    return json.dumps(value)


def tell(events):
    keys = [f"o-{n}" for n in range(max(2 * KEYS_DOWN, events // EVENTS_PER_KEY))]
    down = random.sample(keys, KEYS_DOWN)
    story = Story([], [(key, None, "down") for key in down], set())
    written = dict.fromkeys(keys, 0)
    for n in range(events):
        key = random.choice(keys)
        written[key] += 1
        value = json.dumps(order(key, written[key]))
        story.events.add(f"{key}-{written[key]}")
        story.records.append((key, value))
        chance = random.random()
        # A key that is down fails for that reason alone.
        if chance < 0.03 and key not in down:
            story.mistakes.append((key, written[key], "refused" if chance < 0.01 else "flaky"))
        if random.random() < 0.01:
            story.records.append((key, value))
            story.duplicates += 1
        if random.random() < 0.01:
            story.records.append((key, unreadable(key, n)))
            story.poison += 1
    return story


class Database(shipped.Database):
    def make(self, mistakes):
        self.psql(MISTAKES)
        rows = "".join(f"{key}\t{chr(92) + 'N' if number is None else number}\t{kind}\n"
                       for key, number, kind in mistakes)
        self.psql("COPY {s}.mistakes FROM STDIN;\n" + rows + "\\.\n" + BEHIND_MISTAKES)

    def parked(self):
        return self.number("SELECT count(*) FROM {s}.parked_events")

    def requested(self):
        return self.number("SELECT count(*) FROM {s}.dead_letters WHERE state IN ('requested', 'parked')")

    def unsent(self):
        return self.number("SELECT count(*) FROM {s}.outbox WHERE state = 'pending'")


def wait_until(condition, what, processes=None):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if processes:
            processes.require_alive()
        if time.monotonic() > deadline:
            sys.exit(f"soak: {what} did not happen in {PATIENCE} s")
        time.sleep(0.1)


class Processes:
    """Two of `kinbox run`, while it is open. What they say is in a file: each letter has a line."""

    def __init__(self, configuration):
        self.command = [KINBOX, "run", "-c", configuration]
        self.running, self.killed = [], 0
        self.log = open(OUTPUT / "kinbox.log", "w", encoding="utf-8")

    def __enter__(self):
        self.running = [self.start(), self.start()]
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.kill()
            process.wait()
        self.log.close()

    def start(self):
        return subprocess.Popen(self.command, stdout=self.log, stderr=self.log)

    def require_alive(self):
        for process in self.running:
            if process.poll() is not None:
                sys.exit(f"soak: kinbox run ended by itself with exit code {process.returncode}; "
                         f"its words are in {self.log.name}")

    def kill_one(self, while_what):
        time.sleep(random.uniform(0, 0.3))
        self.require_alive()
        victim = self.running.pop(random.randrange(len(self.running)))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self.killed += 1
        say(f"SIGKILL {self.killed}, while {while_what}")
        self.running.append(self.start())

    def stop(self):
        """In order. The worst exit code."""
        for process in self.running:
            process.terminate()
        codes = [process.wait() for process in self.running]
        self.running = []
        return max(codes, key=abs)


def consume(processes, database, total, kills):
    for n in range(kills):
        wait_until(lambda share=total * (n + 1) // (kills + 1): database.decided() >= share,
                   "consuming", processes)
        processes.kill_one(f"{database.decided():,} of {total:,} records have a verdict")
    wait_until(lambda: database.decided() >= total, "the end of the topic", processes)


def let_wait(processes, database, until, kills):
    """Keys wait until that moment; everything else is through."""
    for n in range(kills):
        left = until - time.monotonic()
        time.sleep(max(1.0, left / (kills - n + 1)))
        processes.kill_one(f"{database.parked():,} events are parked")
    time.sleep(max(0, until - time.monotonic()))
    down = database.number(DOWN)
    database.psql("DELETE FROM {s}.mistakes WHERE kind = 'down'")
    wait_until(lambda: database.parked() == 0, "the end of parking", processes)
    return down


def bring_back(processes, database, configuration, kills):
    """The mistakes are mended, and every letter is tried again. How many there were."""
    database.psql("DELETE FROM {s}.mistakes")
    letters = database.number("SELECT count(*) FROM {s}.dead_letters WHERE state = 'open'")
    # Slowly enough that processes die in the midst of it.
    rate = max(1, letters // max(1, 4 * kills))
    retry = [KINBOX, "dlq", "retry", "--all", "--yes", "-c", configuration]
    checked(*retry, "--rate", f"{rate}/s")
    for n in range(kills):
        wait_until(lambda share=letters * (kills - n) // (kills + 1): database.requested() <= share,
                   "the letters", processes)
        processes.kill_one(f"{database.requested():,} of {letters:,} letters are to be tried")
    wait_until(lambda: database.requested() + database.parked() == 0, "the end of letters", processes)
    return letters


def relayed(brokers, topic):
    lines = subprocess.run(["kcat", "-C", "-q", "-e", "-J", "-b", brokers, "-t", topic], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return failure_checks.ids_in(lines)


def shares(kills):
    """Of the SIGKILLs: while consuming, while keys wait, while letters come back."""
    waiting, coming_back = kills // 6, kills // 4
    return kills - waiting - coming_back, waiting, coming_back


def produce(brokers, topic, records):
    for name in (topic, f"dlq.{topic}"):
        subprocess.run([BENCH, "produce", "--brokers", brokers, "--topic", name, "--records", "0"],
                       check=True, capture_output=True)
    subprocess.run(["kcat", "-P", "-b", brokers, "-t", topic, "-K", "\t"], check=True, text=True,
                   input="".join(f"{key}\t{value}\n" for key, value in records))


def soak(options, brokers, uri):
    run = f"{options.seed:08x}"
    topic, schema = f"soak-{run}", f"soak_{run}"
    configuration = OUTPUT / "kinbox.yaml"
    configuration.write_text(CONFIGURATION.format(
        brokers=brokers, uri=uri, schema=schema, run=run, topic=topic, delays=", ".join(DELAYS)))
    story = tell(options.events)
    produce(brokers, topic, story.records)
    checked(KINBOX, "migrate", "up", "-c", configuration)
    database = Database(uri, schema)
    database.make(story.mistakes)
    total = story.total()
    say(f"{total:,} records, of which {story.duplicates:,} are duplicates and {story.poison:,} no events")
    consuming, waiting, coming_back = shares(options.kills)
    started = time.monotonic()
    with Processes(configuration) as processes:
        consume(processes, database, total, consuming)
        say(f"consumed after {time.monotonic() - started:.0f} s")
        down = let_wait(processes, database, started + options.minute, waiting)
        letters = bring_back(processes, database, configuration, coming_back)
        wait_until(lambda: database.unsent() == 0, "relaying", processes)
        code = processes.stop()
    seconds = time.monotonic() - started
    found = failure_checks.findings(database, story, relayed(brokers, f"dlq.{topic}"))
    found["keys that were parked to the end"] = down, KEYS_DOWN
    found["SIGKILLs"] = processes.killed, options.kills
    found["exit code of what was not killed"] = code, 0
    good = show(found)
    print(f"{len(story.events):,} events, {processes.killed} SIGKILLs, {letters:,} letters tried again, "
          f"{seconds:.0f} s: {'all well' if good else 'BROKEN'}")
    return 0 if good else 1


def main():
    options = arguments()
    end_in_order()
    options.seed = random.randrange(2**32) if options.seed is None else options.seed
    random.seed(options.seed)
    say(f"seed {options.seed}")
    if not options.no_build:
        build()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    checked("scripts/services", "start", "--fresh", "--dir", SERVICES)
    try:
        environment = services_environment()
        return soak(options, environment["KINBOX_TEST_BROKERS"], environment["KINBOX_TEST_POSTGRES"])
    finally:
        checked("scripts/services", "stop", "--dir", SERVICES)


if __name__ == "__main__":
    os.environ.setdefault("KINBOX_LOG_FORMAT", "human")
    sys.exit(main())
