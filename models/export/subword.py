"""Byte-pair encoding of words (Sennrich et al. 2016), kept in a plain file of tokens.

A line is "TOKEN ID". Special tokens stand in angle brackets and come first, then letters, then merged
pairs in the order of merging, so the file alone encodes: of all neighbours whose joint is a token, those
with the lowest id are merged first. A word begins with U+2581.
"""
import argparse
import collections

import spoken_commands

MARK = "\u2581"
BLANK, END = "<blank>", "</s>"
SPECIAL = [BLANK, END]


def merged(parts, pair):
    out = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out


def train(texts, size):
    """The tokens, `size` at most, of the texts' most frequent pairs; equal counts by spelling."""
    counts = collections.Counter(word for text in texts for word in text.split())
    words = {word: [MARK] + list(word) for word in counts}
    tokens = SPECIAL + sorted({letter for parts in words.values() for letter in parts})
    while len(tokens) < size:
        pairs = collections.Counter()
        for word, parts in words.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        tokens.append("".join(best))
        words = {word: merged(parts, best) for word, parts in words.items()}
    return tokens


class Tokenizer:
    def __init__(self, tokens):
        self.tokens = list(tokens)
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.blank, self.end = self.ids[BLANK], self.ids[END]
        self.cache = {}

    @classmethod
    def read(cls, path):
        with open(path, encoding="utf-8") as f:
            rows = [line.rstrip("\n").rsplit(" ", 1) for line in f]
        return cls(token for token, _ in sorted(rows, key=lambda row: int(row[1])))

    def write(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(f"{token} {i}\n" for i, token in enumerate(self.tokens))

    def word(self, word):
        parts = [MARK] + list(word)
        while True:
            joints = [self.ids.get(a + b, len(self.ids)) for a, b in zip(parts, parts[1:])]
            if not joints or min(joints) == len(self.ids):
                return [self.ids[part] for part in parts]
            at = joints.index(min(joints))
            parts = merged(parts, (parts[at], parts[at + 1]))

    def encode(self, text):
        """Raises KeyError for a letter that training has not seen."""
        for word in text.split():
            if word not in self.cache:
                self.cache[word] = self.word(word)
        return [i for word in text.split() for i in self.cache[word]]

    def decode(self, ids):
        return "".join(self.tokens[i] for i in ids if self.tokens[i] not in SPECIAL).replace(MARK, " ").strip()


def main():
    ap = argparse.ArgumentParser(description="Writes the token files of spoken_commands.py's two languages.")
    ap.add_argument("--texts", type=int, default=20000, help="to count pairs in")
    ap.add_argument("--seed", type=int, default=3)
    ap.add_argument("--english", type=int, default=256, help="tokens")
    ap.add_argument("--german", type=int, default=384, help="tokens")
    ap.add_argument("--out-dir", required=True)
    args = ap.parse_args()
    writer = spoken_commands.Writer(args.seed)
    pairs = [writer.draw() for _ in range(args.texts)]
    for name, side, size in (("tokens", 0, args.english), ("target_tokens", 1, args.german)):
        Tokenizer(train([pair[side] for pair in pairs], size)).write(f"{args.out_dir}/{name}.txt")


if __name__ == "__main__":
    main()
