"""Small stories made by a seeded grammar: the text of the language model.

A story keeps its place, its towns, its two people and its mood, so that words depend on earlier
sentences: pronouns agree with names, verbs with their subjects, objects with the place.
"""

import numpy as np

PEOPLE = {
    "she": "anna|maria|ruth|clara|ines|olga|nora|the teacher|the queen|the old woman|the girl|the nurse".split("|"),
    "he": "peter|jonas|david|omar|felix|hugo|ivan|the farmer|the king|the old man|the boy|the baker".split("|"),
    "they": "the twins|the children|the neighbours|the soldiers|the sailors|the travellers|the dogs|the musicians".split("|"),
}
OBJECT_FORM = {"she": "her", "he": "him", "they": "them"}
OWN = {"she": "her", "he": "his", "they": "their"}
PLACES = {
    "kitchen": ("in the kitchen", "bread|soup|knife|kettle|apple|table|plate|stove|cheese|spoon"),
    "harbour": ("at the harbour", "boat|rope|net|anchor|sail|lantern|fish|barrel|crate|gull"),
    "forest": ("in the forest", "tree|path|fox|mushroom|stream|branch|owl|berry|fire|moss"),
    "market": ("at the market", "coin|basket|stall|cloth|onion|melon|pepper|price|cart|goat"),
    "castle": ("in the castle", "crown|sword|tower|gate|candle|throne|letter|secret|guard|banner"),
    "school": ("in the school", "book|pencil|lesson|map|bell|desk|poem|window|question|chalk"),
    "village": ("in the village", "church|well|horse|fence|barn|roof|wagon|bridge|mill|song"),
    "mountain": ("on the mountain", "rock|snow|cabin|eagle|cliff|trail|cloud|valley|wolf|peak"),
}
ADJECTIVES = {
    "bright": "golden|warm|little|happy|clean|fresh|lovely|soft|shiny|friendly".split("|"),
    "dark": "broken|cold|heavy|lonely|grey|rotten|strange|bitter|silent|dusty".split("|"),
}
ADVERBS = {
    "bright": "gladly|slowly|quickly|with a smile|at once|in the sun".split("|"),
    "dark": "in silence|slowly|with a sigh|in the rain|too late|without a word".split("|"),
}
FEELINGS = {
    "bright": "happy|proud|curious|hopeful|calm".split("|"),
    "dark": "tired|afraid|angry|sad|cold".split("|"),
}
# verbs with an object: (singular, plural) by tense
VERBS = [tuple(v.split("/")) for v in "takes/take|finds/find|sees/see|wants/want|carries/carry|loses/lose|hides/hide|sells/sell|likes/like|needs/need|brings/bring|watches/watch".split("|")]
PAST = "took|found|saw|wanted|carried|lost|hid|sold|liked|needed|brought|watched".split("|")
GOES = [tuple(v.split("/")) for v in "walks/walk|waits/wait|sings/sing|sleeps/sleep|laughs/laugh|works/work|stands/stand|dreams/dream".split("|")]
WENT = "walked|waited|sang|slept|laughed|worked|stood|dreamed".split("|")
TIMES = "in the morning|at night|after dinner|one day|in winter|in summer|before dawn|again".split("|")
# Invented names; the first are heard often, the last hardly ever.
TOWNS = [first + last for last in "ra|lun|mi|vek|dor|sha|tin|pol|gar|ness|hau|zet|wick|bro|fel|quin".split("|")
         for first in "ba|do|ki|nor|su|el|tra|mau|ge|lo|vi|ash|ru|pe|han|oz".split("|")]
END, FULL_STOP = "</s>", "."


class Teller:
    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)

    def pick(self, items, skew: float = 0.0):
        """An item; with a skew, the earlier ones more often."""
        weights = (1 + np.arange(len(items))) ** -skew
        return items[self.rng.choice(len(items), p=weights / weights.sum())]

    def begin(self):
        rng = self.rng
        self.place, nouns = PLACES[self.pick(list(PLACES))]
        self.nouns = list(rng.permutation(nouns.split("|"))[:7])
        self.mood = self.pick(["bright", "dark"])
        self.past = rng.random() < 0.5
        kinds = [self.pick(list(PEOPLE)) for _ in range(2)]
        self.people = [(kind, self.pick(PEOPLE[kind])) for kind in kinds]
        self.known = set()
        self.towns = [self.pick(TOWNS, 0.9) for _ in range(2)]

    def name(self, who: int) -> str:
        """The name at first, and often where two people share a pronoun; else the pronoun."""
        kind, name = self.people[who]
        shared = self.people[0][0] == self.people[1][0]
        if name not in self.known or self.rng.random() < (0.7 if shared else 0.3):
            self.known.add(name)
            return name
        return kind

    def verb(self, who: int, present, past) -> str:
        at = min(int(self.rng.geometric(0.25)) - 1, len(past) - 1)
        return past[at] if self.past else present[at][self.people[who][0] == "they"]

    def be(self, who: int) -> str:
        many = self.people[who][0] == "they"
        return ("were" if many else "was") if self.past else ("are" if many else "is")

    def thing(self, who: int) -> str:
        kind = self.people[who][0]
        article = self.pick(["the", "a", OWN[kind]], 0.5)
        adjective = self.pick(ADJECTIVES[self.mood], 0.7) if self.rng.random() < 0.5 else ""
        noun = self.pick(self.nouns, 0.9)
        first = adjective or noun
        if article == "a" and first[0] in "aeiou":
            article = "an"
        return " ".join(filter(None, (article, adjective, noun)))

    def sentence(self) -> str:
        rng = self.rng
        who = int(rng.integers(2))
        other = 1 - who
        subject = self.name(who)
        form = rng.integers(7)
        if form == 0:
            text = f"{subject} {self.verb(who, GOES, WENT)} {self.pick([self.place, self.pick(ADVERBS[self.mood], 0.7)])}"
        elif form <= 2:
            text = f"{subject} {self.verb(who, VERBS, PAST)} {self.thing(who)}"
            if rng.random() < 0.4:
                text += f" {self.pick(ADVERBS[self.mood], 0.7)}"
        elif form == 3:
            text = f"{subject} {self.be(who)} {self.pick(FEELINGS[self.mood], 0.7)}"
            if rng.random() < 0.6:
                text += f" because {self.name(other)} {self.verb(other, VERBS, PAST)} {self.thing(other)}"
        elif form == 4:
            gives = ("gave" if self.past else ("give" if self.people[who][0] == "they" else "gives"))
            text = f"{subject} {gives} {OBJECT_FORM[self.people[other][0]]} {self.thing(who)}"
            self.known.add(self.people[other][1])
        elif form == 5:
            goes = ("went" if self.past else ("go" if self.people[who][0] == "they" else "goes"))
            text = f"{subject} {goes} {self.pick(['to', 'back to', 'far from'], 0.9)} {self.pick(self.towns)}"
        else:
            says = ("said" if self.past else ("say" if self.people[who][0] == "they" else "says"))
            text = f"{subject} {says} that {self.name(other)} {self.verb(other, VERBS, PAST)} {self.thing(other)}"
        if rng.random() < 0.2:
            text = f"{self.pick(TIMES, 0.7)} {text}"
        return f"{text} {FULL_STOP}"

    def story(self) -> list:
        """The words of a story of 6 to 13 sentences, closed by END."""
        self.begin()
        live = "lived" if self.past else ("live" if self.people[0][0] == "they" else "lives")
        sentences = [f"{self.name(0)} {live} in {self.towns[0]} {FULL_STOP}"]
        sentences += [self.sentence() for _ in range(self.rng.integers(5, 13))]
        return " ".join(sentences).split() + [END]


def words(seed: int, count: int) -> list:
    teller = Teller(seed)
    text = []
    while len(text) < count:
        text += teller.story()
    return text


def vocabulary() -> list:
    """Every word of the grammar, END first."""
    return [END] + sorted((set(words(0, 300000)) | set(TOWNS)) - {END})
