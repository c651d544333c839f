"""LSTM and GRU acoustic models and language models."""

import itertools

import torch
from torch import nn
from zoo_spec import Entry, Port, integers, normal
from zoo_weights import scale_recurrent, unit_gain

FEATURES = 80
TOKENS = 32
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Acoustic(nn.Module):
    """Recurrent layers and a CTC head.

    features (B, T, 80) or (T, B, 80), optional states -> log_probs in the same layout, new states.
    """

    def __init__(self, cell: str, layers: int, width: int, directions: int, batch_first: bool):
        super().__init__()
        self.recurrent = CELLS[cell](
            FEATURES, width, layers, batch_first=batch_first, bidirectional=directions == 2
        )
        self.head = nn.Linear(width * directions, TOKENS)

    def forward(self, features, h=None, c=None):
        x, state = self.recurrent(features, pack_state(h, c))
        log_probs = torch.log_softmax(self.head(x), dim=-1)
        return log_probs if h is None else (log_probs, *unpack_state(state))


class LanguageModel(nn.Module):
    """tokens (B, T), states (layers, B, width) -> logits (B, T, vocabulary), new states."""

    def __init__(self, cell: str, layers: int, width: int, vocabulary: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.recurrent = CELLS[cell](width, width, layers, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens, h, c=None):
        x, state = self.recurrent(self.embedding(tokens), pack_state(h, c))
        return (self.head(x), *unpack_state(state))


def pack_state(h, c):
    return h if c is None else (h, c)


def unpack_state(state) -> tuple:
    return state if isinstance(state, tuple) else (state,)


def state_ports(cell: str, rows: int, width: int) -> tuple:
    """The state inputs and outputs: h and, for an LSTM, c, each (rows, batch, width)."""
    names = ("h", "c") if cell == "lstm" else ("h",)
    dims = (rows, "batch", width)
    inputs = tuple(Port(name, dims, fill=normal(0.5)) for name in names)
    return inputs, tuple(Port("next_" + name, dims) for name in names)


def build(model_type, settings: dict) -> nn.Module:
    model = model_type(**settings)
    scale_recurrent(model)
    unit_gain(model, gain=5.0)
    return model.eval()


def acoustic(name, cell, layers, width, directions, batch_first, states, opset) -> Entry:
    settings = {
        "cell": cell,
        "layers": layers,
        "width": width,
        "directions": directions,
        "batch_first": batch_first,
    }
    order = ("batch", "frames") if batch_first else ("frames", "batch")
    state_in, state_out = state_ports(cell, layers * directions, width) if states else ((), ())
    return Entry(
        name=name,
        build=lambda: build(Acoustic, settings),
        inputs=(Port("features", (*order, FEATURES), fill=normal()), *state_in),
        outputs=(Port("log_probs", (*order, TOKENS)), *state_out),
        cases=({"batch": 2, "frames": 50}, {"batch": 1, "frames": 1}, {"batch": 5, "frames": 117}),
        settings=dict(settings, features=FEATURES, tokens=TOKENS, states=states),
        opset=opset,
    )


def language_model(name: str, cell: str, vocabulary: int, opset: int) -> Entry:
    settings = {"cell": cell, "layers": 2, "width": 650, "vocabulary": vocabulary}
    state_in, state_out = state_ports(cell, 2, 650)
    tokens = Port("tokens", ("batch", "steps"), "int64", integers(0, vocabulary))
    return Entry(
        name=name,
        build=lambda: build(LanguageModel, settings),
        inputs=(tokens, *state_in),
        outputs=(Port("logits", ("batch", "steps", vocabulary)), *state_out),
        cases=({"batch": 2, "steps": 9}, {"batch": 1, "steps": 1}, {"batch": 8, "steps": 35}),
        settings=settings,
        opset=opset,
    )


def small_variants() -> list:
    """Every cell, direction, layout and state handling, at 2x128."""
    variants = itertools.product(CELLS, (1, 2), (True, False), (False, True))
    opsets = itertools.cycle((17, 11, 13))
    entries = []
    for (cell, directions, batch_first, states), opset in zip(variants, opsets):
        direction = "uni" if directions == 1 else "bi"
        layout = "batch" if batch_first else "time"
        suffix = "_states" if states else ""
        name = f"{cell}_{direction}_{layout}{suffix}"
        entries.append(acoustic(name, cell, 2, 128, directions, batch_first, states, opset))
    return entries


def entries() -> list:
    return [
        acoustic("blstm_4x320", "lstm", 4, 320, 2, True, False, 17),
        acoustic("bgru_4x320", "gru", 4, 320, 2, True, False, 17),
        *small_variants(),
        language_model("lstm_lm_words", "lstm", 5000, 17),
        language_model("lstm_lm_characters", "lstm", 27, 13),
        language_model("gru_lm_words", "gru", 5000, 17),
    ]
