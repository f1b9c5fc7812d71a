"""Writes digits.csv from the copy of the data set that scikit-learn carries.

    pip install scikit-learn
    python make_digits.py

The numbers are unchanged: 64 pixels from 0 to 16, row by row from the upper left, then the digit that was written.
"""
import csv
import pathlib

from sklearn.datasets import load_digits

SIDE = 8


def main():
    digits = load_digits()
    header = [f"pixel_{row}_{column}" for row in range(SIDE) for column in range(SIDE)] + ["label"]
    with open(pathlib.Path(__file__).parent / "digits.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for pixels, label in zip(digits.data, digits.target):
            writer.writerow([*map(int, pixels), int(label)])


if __name__ == "__main__":
    main()
