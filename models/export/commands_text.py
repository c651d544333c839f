"""Spoken-style commands to a household assistant, made by a seeded grammar, and their word pieces.

A text is a command with one of INTENTS. Around it stand fillers, commands that are taken back
("no wait"), negated or already done, and they name other intents; a share of the words has typing
errors. The intent is that of the command which stands in the end.
"""

import collections
import string

import numpy as np

# intent -> (orders, the same as something done, objects)
INTENTS = {
    "lights_on": ("turn on|switch on|put on|light up", "turned on|switched on", "the lamp|the lights|the kitchen light|the bulb in the hall|the porch light"),
    "lights_off": ("turn off|switch off|put out|kill", "turned off|switched off", "the lamp|the lights|the kitchen light|the bulb in the hall|the porch light"),
    "warmer": ("turn up|raise|increase|push up", "turned up|raised", "the heating|the temperature|the thermostat|the radiator|the heat in the bedroom"),
    "cooler": ("turn down|lower|decrease|bring down", "turned down|lowered", "the heating|the temperature|the thermostat|the radiator|the heat in the bedroom"),
    "louder": ("turn up|raise|increase|push up", "turned up|raised", "the volume|the sound|the radio|the speaker|the music"),
    "quieter": ("turn down|lower|decrease|bring down", "turned down|lowered", "the volume|the sound|the radio|the speaker|the music"),
    "play": ("play|start|put on|resume", "played|started", "some jazz|the next song|my morning list|the radio|an album by the band"),
    "stop": ("stop|pause|turn off|end", "stopped|paused", "the song|the radio|the music|this album|the recording"),
    "alarm_set": ("set|make|create|add", "set|made", "an alarm for seven|a timer for ten minutes|a reminder for noon|an alarm at dawn|a wake up call"),
    "alarm_cancel": ("cancel|delete|remove|drop", "cancelled|deleted", "the alarm for seven|the timer|my reminder for noon|the alarm at dawn|the wake up call"),
    "buy": ("add|put|order|buy", "added|ordered", "milk to the list|two loaves of bread|eggs and butter|coffee on the shopping list|a bag of rice"),
    "unlist": ("remove|delete|drop|take", "removed|deleted", "milk from the list|the bread from the list|eggs and butter off the list|coffee from the shopping list|the rice"),
    "call": ("call|ring|phone|dial", "called|rang", "my sister|the doctor|mum|the office|our neighbour"),
    "message": ("text|write to|message|send a note to", "texted|wrote to", "my sister|the doctor|mum|the office|our neighbour"),
    "open": ("open|unlock|raise|pull up", "opened|unlocked", "the front door|the garage|the blinds|the window|the gate"),
    "close": ("close|lock|lower|shut", "closed|locked", "the front door|the garage|the blinds|the window|the gate"),
}  # fmt: skip
NAMES = list(INTENTS)
TABLE = {name: tuple(part.split("|") for part in parts) for name, parts in INTENTS.items()}
BEFORE = "please|could you|can you|would you|i want you to|hey|um|ok so|right|now|you know|i need you to|if you like|quickly".split("|")
AFTER = "please|thanks|now|for me|right away|if you can|before dinner|when you have time|like yesterday|as always|will you|tonight".split("|")
TURNS = "no wait|actually|sorry|no|i mean|on second thought|rather|hang on".split("|")
NEGATIONS = "do not|don't|never|please don't|you must not|no need to".split("|")
DONE = "i already|we just|she has already|somebody|i think they".split("|")
JOINS = "so|and now|therefore|but|then".split("|")
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class Writer:
    def __init__(self, seed: int, typos: float):
        self.rng = np.random.default_rng(seed)
        self.typos = typos

    def pick(self, items):
        return items[self.rng.integers(len(items))]

    def order(self, intent: str) -> str:
        orders, _, objects = TABLE[intent]
        return f"{self.pick(orders)} {self.pick(objects)}"

    def done(self, intent: str) -> str:
        _, done, objects = TABLE[intent]
        return f"{self.pick(DONE)} {self.pick(done)} {self.pick(objects)}"

    def sentence(self, intent: str) -> str:
        """One command of the intent, in half of the cases with another one beside it."""
        rng = self.rng
        order = self.order(intent)
        if rng.random() < 0.5:
            order = f"{self.pick(BEFORE)} {order}"
        other = self.pick([name for name in NAMES if name != intent])
        form = rng.integers(10)
        if form == 0:
            order = f"{self.order(other)} {self.pick(TURNS)} {order}"
        elif form == 1:
            order = f"{self.pick(NEGATIONS)} {self.order(other)} {self.pick(JOINS)} {order}"
        elif form == 2:
            order = f"{order} and {self.pick(NEGATIONS)} {self.order(other)}"
        elif form == 3:
            order = f"{self.done(other)} {self.pick(JOINS)} {order}"
        elif form == 4:
            order = f"{order} because {self.done(other)}"
        if rng.random() < 0.4:
            order = f"{order} {self.pick(AFTER)}"
        return order

    def typo(self, word: str) -> str:
        """A letter left out, doubled, exchanged with its neighbour, or hit beside its key."""
        at = int(self.rng.integers(len(word)))
        kind = self.rng.integers(4)
        if kind == 0 and len(word) > 2:
            return word[:at] + word[at + 1 :]
        if kind == 1:
            return word[:at] + word[at] + word[at:]
        if kind == 2 and len(word) > 1:
            at = min(at, len(word) - 2)
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        row = next((row for row in KEYS if word[at] in row), word[at])
        near = row.index(word[at]) + self.pick((-1, 1))
        return word[:at] + row[min(max(near, 0), len(row) - 1)] + word[at + 1 :]

    def spoil(self, text: str) -> str:
        words = []
        for word in text.split():
            chance = self.rng.random()
            if chance < self.typos / 4:
                continue
            while self.rng.random() < self.typos:
                word = self.typo(word)
            words.append(word)
        return " ".join(words) or text

    def draw(self):
        """(text, intent id)."""
        label = int(self.rng.integers(len(NAMES)))
        return self.spoil(self.sentence(NAMES[label])), label


SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
PAD, UNK, CLS, SEP = range(4)
LETTERS = string.ascii_lowercase + "'"


class WordPieces:
    """Greedy longest match; pieces that continue a word begin with ##."""

    def __init__(self, vocabulary: list):
        self.vocabulary = vocabulary
        self.ids = {piece: i for i, piece in enumerate(vocabulary)}

    def word(self, word: str) -> list:
        ids, begin = [], 0
        while begin < len(word):
            mark = "##" if begin else ""
            ends = range(len(word), begin, -1)
            end = next((e for e in ends if mark + word[begin:e] in self.ids), None)
            if end is None:
                return [UNK]
            ids.append(self.ids[mark + word[begin:end]])
            begin = end
        return ids

    def encode(self, text: str, longest: int) -> list:
        ids = [i for word in text.split() for i in self.word(word)]
        return [CLS] + ids[: longest - 2] + [SEP]


def learn_pieces(texts, size: int) -> WordPieces:
    """Merges the most frequent neighbours until there are so many pieces (Sennrich et al. 2016)."""
    counts = collections.Counter(word for text in texts for word in text.split())
    words = {w: [w[0]] + ["##" + c for c in w[1:]] for w in counts}
    vocabulary = SPECIAL + list(LETTERS) + ["##" + c for c in LETTERS]
    while len(vocabulary) < size:
        pairs = collections.Counter()
        for word, pieces in words.items():
            for pair in zip(pieces, pieces[1:]):
                pairs[pair] += counts[word]
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merged = left + right[2:]
        vocabulary.append(merged)
        for word, pieces in words.items():
            at = 0
            while at + 1 < len(pieces):
                if pieces[at] == left and pieces[at + 1] == right:
                    pieces[at : at + 2] = [merged]
                at += 1
    return WordPieces(vocabulary)
