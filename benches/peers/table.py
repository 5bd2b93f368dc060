"""Prints rows of JSON as a table; `--json FILE` writes them with the machine and the command; `--klieg FILE` adds klieg's rows and ratios."""

import argparse
import json
import os
import platform
import time


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("--json")
    parser.add_argument("--klieg")
    options = parser.parse_args()
    with open(options.rows) as lines:
        peers = [json.loads(line) for line in lines]
    ours = []
    if options.klieg:
        with open(options.klieg) as file:
            ours = [row for row in json.load(file)["rows"] if "tasks_per_s" in row]
    print(f"{'':34} {'tasks/s':>8} {'p50 ms':>8} {'p99 ms':>8}  durable")
    for row in ours + peers:
        print(f"{row['peer']:34} {row['tasks_per_s']:8} {row['p50_ms']:8} {row['p99_ms']:8}  {row['durable']}")
    for mine in ours:
        for peer in peers:
            ratio = mine["tasks_per_s"] / peer["tasks_per_s"]
            print(f"{mine['peer']} runs {ratio:.1f} × the tasks of {peer['peer']}, p50 {mine['p50_ms'] / peer['p50_ms']:.2f} ×, p99 {mine['p99_ms'] / peer['p99_ms']:.2f} ×")
    if options.json:
        machine = f"{os.cpu_count()} threads, {platform.platform()}"
        document = {"command": "benches/peers/run", "date": time.strftime("%Y-%m-%d"), "machine": machine, "rows": ours + peers}
        with open(options.json, "w") as file:
            json.dump(document, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
