"""Greedy CTC decoding and word error counts."""
import numpy as np


def greedy(scores, blank=0):
    """[steps, tokens] -> token list: best per step, repeats merged, blanks dropped."""
    best = np.asarray(scores).argmax(-1)
    return [int(t) for i, t in enumerate(best) if t != blank and (i == 0 or t != best[i - 1])]


def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def word_error_rate(pairs):
    """(hypothesis, reference) pairs -> errors / reference words."""
    pairs = list(pairs)
    return sum(edit_distance(h, r) for h, r in pairs) / max(1, sum(len(r) for _, r in pairs))
