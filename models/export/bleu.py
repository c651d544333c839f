"""Corpus BLEU (Papineni et al. 2002) over words: up to four, one reference, no smoothing, in percent."""
import collections
import math


def grams(words, n):
    return collections.Counter(tuple(words[i:i + n]) for i in range(len(words) - n + 1))


def corpus(pairs):
    """pairs of (hypothesis, reference) texts."""
    right, all_of, lengths = [0] * 4, [0] * 4, [0, 0]
    for hypothesis, reference in pairs:
        h, r = hypothesis.split(), reference.split()
        lengths[0] += len(h)
        lengths[1] += len(r)
        for n in range(1, 5):
            found = grams(h, n)
            right[n - 1] += sum((found & grams(r, n)).values())
            all_of[n - 1] += sum(found.values())
    if 0 in right:
        return 0.0
    precision = sum(math.log(a / b) for a, b in zip(right, all_of)) / 4
    return 100 * math.exp(precision + min(0.0, 1 - lengths[1] / lengths[0]))
