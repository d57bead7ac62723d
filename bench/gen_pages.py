#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Pages of log entries in DynamoDB's JSON; the same ones at every run.

    gen_pages.py --out DIR [--pages 200] [--items 2600] [--partitions 10] [--csv FILE]

DIR/NNN.json  the body of one reply to Query or Scan each
--csv FILE    the same items as CSV for COPY or file_fdw: tags as an array, ctx
              as JSON

Keys: logPartition "app-NN" (S) and dateTime, ISO-8601 with microseconds (S),
unique and increasing over the whole set.
"""

import argparse
import csv
import datetime
import json
import pathlib
import random

WORDS = (
    "request completed cache miss for key upstream timeout while reading header retry scheduled "
    "user session refreshed token payment authorised order shipped inventory low for sku db pool "
    "exhausted slow query plan changed flushing buffers connection reset by peer handshake ok "
    'config reloaded worker started job queued naïve résumé “quoted” path=C:\\tmp\\x "id" finished'
).split()
SEVERITIES = ["DEBUG"] * 3 + ["INFO"] * 10 + ["WARN"] * 3 + ["ERROR"] * 1
SERVICES = ["checkout", "billing", "search-api", "auth", "gateway", "inventory", "mailer"]
STATUSES = (200, 200, 200, 201, 204, 301, 400, 404, 500, 503)
TAGS = ["blue", "canary", "eu-west-1a", "eu-west-1b", "k8s", "spot", "v2.31.4", "v2.32.0"]
FIRST = datetime.datetime(2026, 11, 1)


def message(rng):
    length = rng.randint(90, 150)
    text = ""
    while len(text) < length:
        text += rng.choice(WORDS) + " "
    return text[:length]


def log_items(count, per_partition):
    rng = random.Random(20261121)
    microseconds = 0
    for number in range(count):
        microseconds += rng.randint(1000, 900000)
        moment = FIRST + datetime.timedelta(microseconds=microseconds)
        text = message(rng)
        yield {
            "logPartition": {"S": f"app-{number // per_partition:02d}"},
            "dateTime": {"S": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
            "severity": {"S": rng.choice(SEVERITIES)},
            "message": {"S": text},
            "service": {"S": rng.choice(SERVICES)},
            "latency": {"N": f"{rng.expovariate(1 / 40):.3f}".rstrip("0").rstrip(".")},
            "status": {"N": str(rng.choice(STATUSES))},
            "tags": {"SS": sorted(rng.sample(TAGS, rng.randint(1, 3)))},
            "ctx": {
                "M": {
                    "req": {"S": f"{rng.getrandbits(64):016x}"},
                    "user": {"N": str(rng.randint(1, 10**7))},
                    "retry": {"N": str(rng.randint(0, 3))},
                }
            },
            "ok": {"BOOL": rng.random() < 0.9},
        }


def page_body(page, is_last):
    """As DynamoDB sends it: compact, raw UTF-8."""
    body = {"Count": len(page), "Items": page}
    if not is_last:
        body["LastEvaluatedKey"] = {key: page[-1][key] for key in ("logPartition", "dateTime")}
    body["ScannedCount"] = len(page)
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def plain(value):
    ((tag, content),) = value.items()
    if tag == "M":
        return {name: plain(member) for name, member in content.items()}
    return json.loads(content) if tag == "N" else content


def csv_row(item):
    scalars = ("logPartition", "dateTime", "severity", "message", "service", "latency", "status")
    return [next(iter(item[name].values())) for name in scalars] + [
        "{" + ",".join(item["tags"]["SS"]) + "}",
        json.dumps(plain(item["ctx"]), separators=(",", ":")),
        "t" if item["ok"]["BOOL"] else "f",
    ]


def generate(directory, pages, items=2600, partitions=10, csv_file=None):
    """Writes the pages, and the CSV to an open file; returns the JSON's bytes."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    # All partitions have items, whatever the numbers; the last takes the rest.
    source = log_items(pages * items, -(-pages * items // partitions))
    writer = csv.writer(csv_file) if csv_file else None
    size = 0
    for number in range(pages):
        page = [next(source) for _ in range(items)]
        body = page_body(page, number == pages - 1)
        (directory / f"{number:03d}.json").write_bytes(body)
        size += len(body)
        if writer:
            writer.writerows(map(csv_row, page))
    return size


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--items", type=int, default=2600, help="a page")
    parser.add_argument("--partitions", type=int, default=10)
    parser.add_argument("--csv")
    args = parser.parse_args()
    csv_file = open(args.csv, "w", newline="", encoding="utf-8") if args.csv else None
    size = generate(args.out, args.pages, args.items, args.partitions, csv_file)
    if csv_file:
        csv_file.close()
    total = args.pages * args.items
    print(
        f"pages {args.pages}, items {total}, JSON bytes {size}, "
        f"mean page {size // args.pages}, mean item JSON {size / total:.0f}"
    )


if __name__ == "__main__":
    main()
