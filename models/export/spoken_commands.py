"""Spoken commands and numbers in English with their German translations, by a seeded grammar.

    python3 spoken_commands.py --seed 7 --count 20

prints pairs. Texts are lower-case words (English) or German words, without punctuation.
"""
import argparse

import numpy as np

import spoken_numbers as numbers
from spoken_numbers import english, german

# English phrase: German phrase, in the case that the templates below need.
ROOMS = {"in the kitchen": "in der Küche", "in the bedroom": "im Schlafzimmer", "in the bathroom": "im Bad",
         "in the living room": "im Wohnzimmer", "in the hall": "im Flur", "in the garden": "im Garten",
         "in the garage": "in der Garage", "in the office": "im Büro", "in the cellar": "im Keller",
         "in the attic": "auf dem Dachboden", "upstairs": "oben", "downstairs": "unten", "outside": "draußen"}
COLOURS = {"red": "rot", "green": "grün", "blue": "blau", "yellow": "gelb", "white": "weiß", "orange": "orange",
           "purple": "lila", "pink": "rosa"}
# Adjective endings after a definite article in the accusative, by gender.
ENDINGS = {"m": "en", "f": "e", "n": "e"}
ARTICLES = {"m": "den", "f": "die", "n": "das"}
SHADES = {"red": "rot", "green": "grün", "blue": "blau", "big": "groß", "small": "klein", "old": "alt",
          "new": "neu"}
DEVICES = {"light": ("Licht", "n"), "lamp": ("Lampe", "f"), "fan": ("Ventilator", "m"), "heater": ("Ofen", "m"),
           "radio": ("Radio", "n"), "television": ("Fernseher", "m"), "speaker": ("Lautsprecher", "m"),
           "camera": ("Kamera", "f"), "oven": ("Backofen", "m"), "washing machine": ("Waschmaschine", "f"),
           "computer": ("Rechner", "m"), "printer": ("Drucker", "m")}
OPENINGS = {"window": ("Fenster", "n"), "front door": ("Haustür", "f"), "back door": ("Hintertür", "f"),
            "gate": ("Tor", "n"), "blind": ("Rollladen", "m"), "curtain": ("Vorhang", "m"),
            "cupboard": ("Schrank", "m")}
PEOPLE = {"anna": "Anna", "peter": "Peter", "my sister": "meine Schwester", "my brother": "meinen Bruder",
          "my mother": "meine Mutter", "my father": "meinen Vater", "the doctor": "den Arzt",
          "the neighbour": "den Nachbarn", "maria": "Maria", "thomas": "Thomas", "the office": "das Büro"}
GOODS = {"milk": "Milch", "bread": "Brot", "butter": "Butter", "cheese": "Käse", "coffee": "Kaffee", "tea": "Tee",
         "sugar": "Zucker", "rice": "Reis", "apples": "Äpfel", "eggs": "Eier", "water": "Wasser", "salt": "Salz",
         "tomatoes": "Tomaten", "potatoes": "Kartoffeln", "soap": "Seife"}
UNITS = {"bottles of": "Flaschen", "packets of": "Packungen", "boxes of": "Kisten", "kilos of": "Kilo"}
MUSIC = {"jazz": "Jazz", "classical music": "klassische Musik", "the news": "die Nachrichten",
         "my favourite songs": "meine Lieblingslieder", "rock": "Rock", "the next song": "das nächste Lied",
         "an audio book": "ein Hörbuch", "the last album": "das letzte Album"}
CITIES = {"berlin": "Berlin", "london": "London", "paris": "Paris", "vienna": "Wien", "munich": "München",
          "hamburg": "Hamburg", "cologne": "Köln", "madrid": "Madrid"}
DAYS = {"monday": "Montag", "tuesday": "Dienstag", "wednesday": "Mittwoch", "thursday": "Donnerstag",
        "friday": "Freitag", "saturday": "Samstag", "sunday": "Sonntag"}
MONTHS = {"january": "Januar", "february": "Februar", "march": "März", "april": "April", "may": "Mai",
          "june": "Juni", "july": "Juli", "august": "August", "september": "September", "october": "Oktober",
          "november": "November", "december": "Dezember"}
WHEN = {"today": "heute", "tomorrow": "morgen", "tonight": "heute Abend", "this afternoon": "heute Nachmittag",
        "next week": "nächste Woche", "at the weekend": "am Wochenende"}
TASKS = {"water the plants": "die Pflanzen zu gießen", "feed the cat": "die Katze zu füttern",
         "take out the rubbish": "den Müll hinauszubringen", "buy flowers": "Blumen zu kaufen",
         "pay the rent": "die Miete zu bezahlen", "walk the dog": "mit dem Hund zu gehen",
         "write the letter": "den Brief zu schreiben", "wash the car": "das Auto zu waschen"}
PLACES = {"the station": "zum Bahnhof", "the airport": "zum Flughafen", "the school": "zur Schule",
          "the hospital": "zum Krankenhaus", "the market": "zum Markt", "the library": "zur Bibliothek"}


class Writer:
    """Draws (English, German) pairs."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        # form: share of all texts
        self.forms = {self.digits: 0.14, self.number: 0.12, self.time: 0.07, self.date: 0.05, self.switch: 0.12,
                      self.colour: 0.05, self.level: 0.07, self.heating: 0.05, self.opening: 0.06, self.play: 0.05,
                      self.weather: 0.04, self.alarm: 0.05, self.reminder: 0.04, self.call: 0.04,
                      self.shopping: 0.05}

    def pick(self, table):
        key = list(table)[self.rng.integers(len(table))]
        return key, table[key]

    def thing(self, table):
        """'the blue lamp', 'die blaue Lampe': accusative, in a third of the cases with an adjective."""
        name, (noun, gender) = self.pick(table)
        if self.rng.random() < 0.67:
            return f"the {name}", f"{ARTICLES[gender]} {noun}"
        shade, stem = self.pick(SHADES)
        return f"the {shade} {name}", f"{ARTICLES[gender]} {stem}{ENDINGS[gender]} {noun}"

    def room(self, share=0.7):
        """A place with a leading space, or nothing."""
        if self.rng.random() >= share:
            return "", ""
        name, german_name = self.pick(ROOMS)
        return " " + name, " " + german_name

    def polite(self, command, imperative):
        if self.rng.random() < 0.25:
            return "please " + command, "bitte " + imperative
        return command, imperative

    def digits(self):
        row = self.rng.integers(0, 10, self.rng.integers(2, 8))
        return " ".join(english(int(d)) for d in row), " ".join(german(int(d)) for d in row)

    def amount(self):
        """A number whose length in digits is even over one to six."""
        size = int(self.rng.integers(1, 7))
        return int(self.rng.integers(10 ** (size - 1) if size > 1 else 0, 10 ** size))

    def number(self):
        n = self.amount()
        form = self.rng.integers(4)
        if form == 0:
            return f"the number is {english(n)}", f"die Zahl ist {german(n)}"
        if form == 1:
            tail = int(self.rng.integers(0, 10))
            return f"{english(n)} point {english(tail)}", f"{german(n)} Komma {german(tail)}"
        return english(n), german(n)

    def clock(self):
        hour = int(self.rng.integers(1, 13))
        after = hour % 12 + 1
        form = self.rng.integers(6)
        minutes = int(self.rng.integers(1, 5)) * 5
        if form == 0:
            return f"half past {english(hour)}", f"halb {german(after)}"
        if form == 1:
            return f"quarter past {english(hour)}", f"Viertel nach {german(hour)}"
        if form == 2:
            return f"quarter to {english(after)}", f"Viertel vor {german(after)}"
        if form == 3:
            return f"{english(minutes)} past {english(hour)}", f"{german(minutes)} nach {german(hour)}"
        if form == 4:
            return f"{english(minutes)} to {english(after)}", f"{german(minutes)} vor {german(after)}"
        return f"{english(hour)} o'clock", f"{german(hour, 'ein')} Uhr"

    def time(self):
        e, g = self.clock()
        form = self.rng.integers(3)
        if form == 0:
            return f"it is {e}", f"es ist {g}"
        if form == 1:
            day, german_day = self.pick(DAYS)
            return f"on {day} at {e}", f"am {german_day} um {g}"
        when, german_when = self.pick(WHEN)
        return f"{when} at {e}", f"{german_when} um {g}"

    def date(self):
        day = int(self.rng.integers(1, 32))
        month, german_month = self.pick(MONTHS)
        e = f"the {numbers.english_ordinal(day)} of {month}"
        g = f"der {numbers.german_ordinal(day)} {german_month}"
        if self.rng.random() < 0.4:
            weekday, german_weekday = self.pick(DAYS)
            return f"{weekday} {e}", f"{german_weekday} {g}"
        return e, g

    def switch(self):
        device, noun = self.thing(DEVICES)
        room, german_room = self.room()
        verb, particle = self.pick({"on": "ein", "off": "aus"})
        order = self.pick({f"turn {verb} {device}": 0, f"switch {verb} {device}": 0, f"turn {device} {verb}": 0})[0]
        return self.polite(order + room, f"schalte {noun}{german_room} {particle}")

    def colour(self):
        colour, german_colour = self.pick(COLOURS)
        room, german_room = self.room()
        lamp = self.pick({"light": "das Licht", "lamp": "die Lampe"})
        return self.polite(f"make the {lamp[0]}{room} {colour}", f"mache {lamp[1]}{german_room} {german_colour}")

    def level(self):
        n = int(self.rng.integers(1, 101))
        what = self.pick({"dim the light": "dimme das Licht", "set the volume": "stelle die Lautstärke",
                          "set the brightness": "stelle die Helligkeit", "turn down the radio": "drehe das Radio"})
        room, german_room = self.room(0.4)
        return self.polite(f"{what[0]}{room} to {english(n)} percent",
                           f"{what[1]}{german_room} auf {german(n, 'ein')} Prozent")

    def heating(self):
        n = int(self.rng.integers(10, 31))
        room, german_room = self.room(0.6)
        what = self.pick({"heating": "Heizung", "temperature": "Temperatur"})
        return self.polite(f"set the {what[0]}{room} to {english(n)} degrees",
                           f"stelle die {what[1]}{german_room} auf {german(n, 'ein')} Grad")

    def opening(self):
        thing, noun = self.thing(OPENINGS)
        room, german_room = self.room(0.4)
        verb, imperative = self.pick({"open": "öffne", "close": "schließe", "check": "prüfe"})
        return self.polite(f"{verb} {thing}{room}", f"{imperative} {noun}{german_room}")

    def play(self):
        music, german_music = self.pick(MUSIC)
        room, german_room = self.room(0.5)
        return self.polite(f"play {music}{room}", f"spiele {german_music}{german_room}")

    def weather(self):
        city, german_city = self.pick(CITIES)
        when, german_when = self.pick(WHEN)
        if self.rng.random() < 0.5:
            return f"will it rain in {city} {when}", f"wird es {german_when} in {german_city} regnen"
        return f"what is the weather in {city} {when}", f"wie ist das Wetter {german_when} in {german_city}"

    def alarm(self):
        if self.rng.random() < 0.4:
            n = int(self.rng.integers(2, 91))
            unit, german_unit = self.pick({"minutes": "Minuten", "seconds": "Sekunden", "hours": "Stunden"})
            return self.polite(f"set a timer for {english(n)} {unit}",
                               f"stelle einen Wecker auf {german(n)} {german_unit}")
        e, g = self.clock()
        day, german_day = self.pick(DAYS)
        if self.rng.random() < 0.5:
            return self.polite(f"wake me at {e} on {day}", f"wecke mich am {german_day} um {g}")
        return self.polite(f"wake me at {e}", f"wecke mich um {g}")

    def reminder(self):
        task, german_task = self.pick(TASKS)
        when, german_when = self.pick(WHEN)
        return self.polite(f"remind me to {task} {when}", f"erinnere mich {german_when} daran {german_task}")

    def call(self):
        if self.rng.random() < 0.4:
            place, german_place = self.pick(PLACES)
            return f"how do i get to {place}", f"wie komme ich {german_place}"
        person, german_person = self.pick(PEOPLE)
        when, german_when = self.pick(WHEN)
        return self.polite(f"call {person} {when}", f"rufe {german_when} {german_person} an")

    def shopping(self):
        item, german_item = self.pick(GOODS)
        if self.rng.random() < 0.5:
            n = int(self.rng.integers(2, 13))
            unit, german_unit = self.pick(UNITS)
            item, german_item = f"{english(n)} {unit} {item}", f"{german(n)} {german_unit} {german_item}"
        return self.polite(f"add {item} to the shopping list", f"setze {german_item} auf die Einkaufsliste")

    def draw(self):
        shares = np.array(list(self.forms.values()))
        form = list(self.forms)[self.rng.choice(len(shares), p=shares / shares.sum())]
        return form()


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--seed", type=int, required=True)
    ap.add_argument("--count", type=int, default=20)
    args = ap.parse_args()
    writer = Writer(args.seed)
    for _ in range(args.count):
        print("\t".join(writer.draw()))


if __name__ == "__main__":
    main()
