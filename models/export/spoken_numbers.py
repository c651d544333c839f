"""Numbers in spoken English and German words."""

ENGLISH = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
           "sixteen seventeen eighteen nineteen").split()
ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
GERMAN = ("null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn "
          "sechzehn siebzehn achtzehn neunzehn").split()
GERMAN_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
ORDINALS = ("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
            "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth").split()
GERMAN_ORDINALS = ("erste zweite dritte vierte fünfte sechste siebte achte neunte zehnte elfte zwölfte "
                   "dreizehnte vierzehnte fünfzehnte sechzehnte siebzehnte achtzehnte neunzehnte "
                   "zwanzigste").split()


def english(n):
    """0 <= n < 1,000,000, British: 'two hundred and five'."""
    if n < 20:
        return ENGLISH[n]
    if n < 100:
        return ENGLISH_TENS[n // 10 - 2] + (" " + ENGLISH[n % 10] if n % 10 else "")
    if n < 1000:
        return ENGLISH[n // 100] + " hundred" + (" and " + english(n % 100) if n % 100 else "")
    rest = n % 1000
    joint = " and " if rest < 100 else " "
    return english(n // 1000) + " thousand" + (joint + english(rest) if rest else "")


def german(n, last="eins"):
    """0 <= n < 1,000,000, one word; last is the form of a closing one ('eins', or 'ein' before a noun)."""
    if n == 1:
        return last
    if n < 20:
        return GERMAN[n]
    if n < 100:
        unit = {0: "", 1: "einund"}.get(n % 10, GERMAN[n % 10] + "und")
        return unit + GERMAN_TENS[n // 10 - 2]
    base, name = (100, "hundert") if n < 1000 else (1000, "tausend")
    return german(n // base, "ein") + name + (german(n % base, last) if n % base else "")


def english_ordinal(n):
    """1 <= n <= 31."""
    if n <= 20:
        return ORDINALS[n - 1]
    return "thirtieth" if n == 30 else ENGLISH_TENS[n // 10 - 2] + " " + ORDINALS[n % 10 - 1]


def german_ordinal(n):
    """1 <= n <= 31, nominative: 'dritte'."""
    return GERMAN_ORDINALS[n - 1] if n <= 20 else german(n) + "ste"
