"""Writes waves.csv: a made-up load of a power grid, an hour a row.

    python make_waves.py

A wave of a day, one of a week, the temperature that drives both, and noise that is the same each time.
"""
import csv
import math
import pathlib
import random

HOURS = 24 * 28


def main():
    noise = random.Random(0)
    with open(pathlib.Path(__file__).parent / "waves.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["hour", "temperature", "load"])
        for hour in range(HOURS):
            day, week = math.sin(2 * math.pi * hour / 24), math.sin(2 * math.pi * hour / 168)
            temperature = 12 + 6 * day + 3 * week + noise.gauss(0, 0.5)
            load = 100 - 15 * day + 8 * week - 0.7 * temperature + noise.gauss(0, 1)
            writer.writerow([hour, f"{temperature:.2f}", f"{load:.2f}"])


if __name__ == "__main__":
    main()
