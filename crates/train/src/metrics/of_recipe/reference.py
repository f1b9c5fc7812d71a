"""Prints the numbers that tests.rs compares with, as scikit-learn 1.9 has them: python reference.py"""
import numpy as np
from sklearn import metrics

PLACES = np.arange(40)


def several():
    """Scores of four classes for forty rows; class 3 is never right, and not said."""
    scores = np.sin(PLACES[:, None] * 1.7 + np.arange(4) * 0.9).astype(np.float32)
    scores[:, 3] -= 9
    right = PLACES * 7 % 3
    said = scores.argmax(axis=1)
    shares = np.exp(scores.astype(np.float64))
    shares /= shares.sum(axis=1, keepdims=True)
    areas = [metrics.roc_auc_score(right == c, shares[:, c]) for c in range(3)]
    measures = (metrics.precision_score, metrics.recall_score, metrics.f1_score)
    return [m(right, said, average="macro", zero_division=0) for m in measures] + [np.mean(areas)]


def yes_or_no():
    """One score for each of forty rows, rounded so that some are equal."""
    scores = np.round(np.sin(PLACES * 1.3), 1)
    right = PLACES % 5 < 2
    measures = (metrics.precision_score, metrics.recall_score, metrics.f1_score)
    return [m(right, scores > 0) for m in measures] + [metrics.roc_auc_score(right, scores)]


def labels():
    """Three labels for each of forty rows."""
    places = np.arange(120).reshape(40, 3)
    scores, right = np.cos(places * 0.7), places % 7 < 3
    measures = (metrics.precision_score, metrics.recall_score, metrics.f1_score)
    return [m(right, scores > 0, average="macro") for m in measures] + [metrics.roc_auc_score(right, scores)]


def numbers():
    """Two numbers for each of forty rows."""
    places = np.arange(80).reshape(40, 2)
    said, right = np.sin(places * 0.9) * 3, np.cos(places * 0.4) * 3 + 4
    absolute, squared = metrics.mean_absolute_error(right, said), metrics.mean_squared_error(right, said)
    largest = max(metrics.max_error(right[:, c], said[:, c]) for c in range(2))
    return [absolute, squared, np.sqrt(squared), largest, 100 * metrics.mean_absolute_percentage_error(right, said)]


for case in (several, yes_or_no, labels, numbers):
    print(case.__name__, ", ".join(f"{value:.6f}" for value in case()))
