"""Prints the farm's rows as one table, with ratios to each peer where both were measured; `--json FILE` keeps the figures."""

import argparse
import datetime
import json
import os
import subprocess

# What is compared, and which is better: more, or less.
COMPARED = (("tasks_per_s", "tasks/s"), ("p50_ms", "p50"), ("p99_ms", "p99"))


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def ratios(row, peer):
    """klieg's figure ÷ the peer's: of tasks/s more is better, of delays less."""
    both = [(key, name) for key, name in COMPARED if row.get(key) and peer.get(key)]
    return {name: round(row[key] / peer[key], 2) for key, name in both}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("peers")
    parser.add_argument("--json")
    options = parser.parse_args()
    rows, peers = read(options.rows), read(options.peers)
    print("| row | figure | goal | " + "".join(f"÷ {peer['peer']} | " for peer in peers))
    print("|---|---|---|" + "---|" * len(peers))
    for row in rows:
        row["ratios"] = {peer["peer"]: ratios(row, peer) for peer in peers}
        cells = [", ".join(f"{name} {ratio}" for name, ratio in row["ratios"][peer["peer"]].items()) for peer in peers]
        missed = " (missed)" if row["met"] is False else ""
        print(f"| {row['what']} | {row['figure']}{missed} | {row['goal']} | " + "".join(f"{cell} | " for cell in cells))
    for peer in peers:
        print(f"{peer['peer']}: {peer['tasks_per_s']} tasks/s, p50 {peer['p50_ms']} ms, p99 {peer['p99_ms']} ms; durable: {peer['durable']}")
    if options.json:
        cpu = next((line.split(": ", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
        record = {
            "command": os.environ.get("COMMAND", ""), "date": datetime.date.today().isoformat(),
            "commit": said("git", "describe", "--always", "--dirty"), "cpu": f"{cpu}, {os.cpu_count()} threads",
            "load_average_at_end": os.getloadavg()[0], "rows": rows, "peers": peers,
        }
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=1, ensure_ascii=False)
            file.write("\n")


if __name__ == "__main__":
    main()
