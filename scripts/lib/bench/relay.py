"""kinbox's outbox relay against one written by hand, in interleaved rounds."""
import os
import statistics

from . import report, workshop
from .workshop import say

GOAL = 0.85
CONTENDERS = ["kinbox", "by_hand"]


def run_round(number, options, services):
    # The order changes from round to round.
    for contender in CONTENDERS if number % 2 == 0 else CONTENDERS[::-1]:
        run = workshop.bench("relay", "--contender", contender, "--postgres", services.postgres,
                             "--brokers", services.brokers, "--events", options.records,
                             "--topic", f"bench.relay.{number}.{contender}")
        say(f"round {number + 1}: {contender}: {run['events_per_second']:,.0f}/s")
        yield {**run, "round": number, "load": os.getloadavg()[0]}


def rates(runs):
    for contender in CONTENDERS:
        mine = [run for run in runs if run["contender"] == contender]
        found = [run["events_per_second"] for run in mine]
        yield {"contender": contender, "median": statistics.median(found), "lowest": min(found),
               "highest": max(found),
               "cpu_microseconds_per_event": statistics.median(
                   run["cpu_seconds"] / run["events"] * 1e6 for run in mine)}


def ratios(runs):
    rate = {(run["round"], run["contender"]): run["events_per_second"] for run in runs}
    return [rate[number, "kinbox"] / rate[number, "by_hand"]
            for number in sorted({run["round"] for run in runs})]


def measure(options):
    with workshop.services(options.keep_services) as services:
        runs = []
        for number in range(options.rounds):
            runs += run_round(number, options, services)
    rows, found = list(rates(runs)), ratios(runs)
    report.print_table(
        [("relay", "{}"), ("events/s", "{:,.0f}"), ("lowest", "{:,.0f}"), ("highest", "{:,.0f}"),
         ("cpu us/event", "{:.1f}")], [list(row.values()) for row in rows])
    median = statistics.median(found)
    report.print_table(
        [("goal", "{}"), ("at least", "{:g}"), ("ratio", "{:.2f}"), ("lowest", "{:.2f}"),
         ("highest", "{:.2f}"), ("", "{}")],
        [["kinbox / by_hand", GOAL, median, min(found), max(found),
          report.verdict(median >= GOAL)]])
    workshop.write_results("relay", {"rounds": options.rounds, "summary": rows, "ratio": median,
                                     "met": median >= GOAL, "runs": runs})
