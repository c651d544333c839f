"""Decoders and language models that predict tokens from tokens, with or without sequences to attend to.

Each has two forms of the same calculation: `predict` over whole rows (for training) and `step`, one token
a hypothesis with states carried along (for search). A step's states are gathered by `parents` along
axis 0; a first step has states of first extent 1, all zero, their growing axis empty.
"""
import math

import torch
from torch import nn

from hybrid_encoders import attention_bias
from speech_nets import FeedForward, sinusoids


class Attention(nn.Module):
    """Multi-head scaled dot-product attention; keys are kept transposed, [B, heads, width, S]."""

    def __init__(self, dim, heads, source=None):
        super().__init__()
        self.heads, self.scale = heads, 1.0 / math.sqrt(dim // heads)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(source or dim, dim)
        self.value = nn.Linear(source or dim, dim)
        self.output = nn.Linear(dim, dim)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1)

    def project(self, source):
        return self.split(self.key(source)).permute(0, 2, 3, 1), self.split(self.value(source)).transpose(1, 2)

    def forward(self, x, keys, values, bias):
        scores = torch.matmul(self.split(self.query(x)).transpose(1, 2), keys) * self.scale
        if bias is not None:
            scores = scores + bias
        mixed = torch.matmul(torch.softmax(scores, dim=-1), values)
        return self.output(mixed.transpose(1, 2).reshape(x.shape))


class TransformerLayer(nn.Module):
    """Pre-norm: attention to its own past, to each source in turn, and two dense layers."""

    def __init__(self, dim, heads, hidden, sources, dropout):
        super().__init__()
        self.own_norm = nn.LayerNorm(dim)
        self.own = Attention(dim, heads)
        self.source_norms = nn.ModuleList(nn.LayerNorm(dim) for _ in sources)
        self.sources = nn.ModuleList(Attention(dim, heads, width) for width in sources)
        self.dense = FeedForward(dim, hidden, dropout)
        self.dropout = nn.Dropout(dropout)

    def project(self, sources):
        return [part for attention, source in zip(self.sources, sources) for part in attention.project(source)]

    def forward(self, x, past, bias, memory, source_biases):
        """past: keys and values of earlier tokens, or (); returns x and the keys and values by now."""
        y = self.own_norm(x)
        keys, values = self.own.project(y)
        if past:
            keys, values = torch.cat([past[0], keys], dim=3), torch.cat([past[1], values], dim=2)
        x = x + self.dropout(self.own(y, keys, values, bias))
        for i, (norm, attention) in enumerate(zip(self.source_norms, self.sources)):
            x = x + self.dropout(attention(norm(x), memory[2 * i], memory[2 * i + 1], source_biases[i]))
        return x + self.dense(x), (keys, values)


class TransformerDecoder(nn.Module):
    """Transformer over tokens, cross-attending to `sources` (their widths); none: a language model.

    States: each layer's keys [H, heads, width, L] and values [H, heads, L, width], L growing from 0.
    Tokens past the first `places` share the last place.
    Memory: each layer's, of each source, keys [B, heads, width, S] and values [B, heads, S, width].
    """

    def __init__(self, tokens, dim=144, layers=2, heads=4, hidden=384, sources=(), places=80, dropout=0.1):
        super().__init__()
        self.dim, self.heads, self.sources = dim, heads, len(sources)
        self.embedding = nn.Embedding(tokens, dim)
        nn.init.normal_(self.embedding.weight, std=dim ** -0.5)
        self.layers = nn.ModuleList(TransformerLayer(dim, heads, hidden, sources, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, tokens)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("table", sinusoids(torch.arange(0.0, places), dim), persistent=False)

    def memory(self, *sources):
        return [part for layer in self.layers for part in layer.project(sources)]

    def initial(self):
        width = self.dim // self.heads
        return [torch.zeros(1, self.heads, *extents) for _ in self.layers for extents in ((width, 0), (0, width))]

    def run(self, tokens, past, bias, memory, biases):
        """tokens [B, L] -> hidden [B, L, dim], states by now."""
        done = past[0].shape[3] if past else 0
        places = (torch.arange(tokens.shape[1]) + done).clamp(max=self.table.shape[1] - 1)
        positions = torch.index_select(self.table, 1, places)
        x = self.dropout(self.embedding(tokens) * math.sqrt(self.dim) + positions)
        states, parts = [], 2 * self.sources
        for i, layer in enumerate(self.layers):
            x, new = layer(x, past[2 * i:2 * i + 2], bias, memory[parts * i:parts * (i + 1)], biases)
            states += new
        return self.norm(x), states

    def scores(self, hidden):
        return torch.log_softmax(self.output(hidden), dim=-1)

    def predict(self, tokens, sources=(), lengths=()):
        """tokens [B, L] -> hidden [B, L, dim]."""
        causal = torch.triu(torch.full((tokens.shape[1],) * 2, -1e4), 1)
        biases = [attention_bias(n, source.shape[1]) for source, n in zip(sources, lengths)]
        return self.run(tokens, (), causal, self.memory(*sources), biases)[0]

    def step(self, tokens, parents, memory, lengths, states):
        """tokens [H] -> log_probs [H, V], hidden [H, dim], states."""
        past = [torch.index_select(state, 0, parents) for state in states]
        biases = [attention_bias(n, memory[2 * i].shape[3]) for i, n in enumerate(lengths)]
        hidden, states = self.run(tokens[:, None], past, None, memory, biases)
        hidden = hidden[:, 0]
        return self.scores(hidden), hidden, states


def lstm_step(lstm, x, h, c):
    """One step of a one-layer nn.LSTM: x [H, in], h and c [H, width] -> h, c."""
    _, (h, c) = lstm(x[None], (h[None], c[None]))
    return h[0], c[0]


class LstmDecoder(nn.Module):
    """LSTM that is fed the last token and what was attended to (Chan et al. 2016, section 3.2).

    States: h, c [H, hidden] and context [H, attended]. Memory: keys [B, key, S], values [B, S, attended].
    """

    def __init__(self, tokens, source, hidden=256, embedded=128, key=128, attended=192, dropout=0.1):
        super().__init__()
        self.hidden, self.attended, self.scale = hidden, attended, 1.0 / math.sqrt(key)
        self.embedding = nn.Embedding(tokens, embedded)
        self.lstm = nn.LSTM(embedded + attended, hidden)
        self.query = nn.Linear(hidden, key)
        self.key = nn.Linear(source, key)
        self.value = nn.Linear(source, attended)
        self.join = nn.Linear(hidden + attended, hidden)
        self.output = nn.Linear(hidden, tokens)
        self.dropout = nn.Dropout(dropout)

    def memory(self, encoded):
        return [self.key(encoded).transpose(1, 2), self.value(encoded)]

    def initial(self):
        return [torch.zeros(1, width) for width in (self.hidden, self.hidden, self.attended)]

    def advance(self, embedded, states, memory, bias):
        """embedded [H, E] -> hidden [H, hidden], states; bias [H or 1, 1, S]."""
        h, c, context = states
        h, c = lstm_step(self.lstm, torch.cat([embedded, context], dim=1), h, c)
        scores = torch.matmul(self.query(h)[:, None], memory[0]) * self.scale + bias
        context = torch.matmul(torch.softmax(scores, dim=-1), memory[1])[:, 0]
        hidden = torch.tanh(self.join(self.dropout(torch.cat([h, context], dim=1))))
        return hidden, [h, c, context]

    def scores(self, hidden):
        return torch.log_softmax(self.output(hidden), dim=-1)

    def predict(self, tokens, sources, lengths):
        memory, bias = self.memory(*sources), attention_bias(lengths[0], sources[0].shape[1])[:, 0]
        states = [state.expand(tokens.shape[0], -1) for state in self.initial()]
        rows = []
        for embedded in self.dropout(self.embedding(tokens)).unbind(1):
            hidden, states = self.advance(embedded, states, memory, bias)
            rows.append(hidden)
        return torch.stack(rows, dim=1)

    def step(self, tokens, parents, memory, lengths, states):
        states = [torch.index_select(state, 0, parents) for state in states]
        bias = attention_bias(lengths[0], memory[1].shape[1])[:, 0]
        hidden, states = self.advance(self.embedding(tokens), states, memory, bias)
        return self.scores(hidden), hidden, states


class LstmLanguageModel(nn.Module):
    """LSTM layers over tokens. States: each layer's h and c [H, width]."""

    def __init__(self, tokens, width=192, layers=2, dropout=0.1):
        super().__init__()
        self.width = width
        self.embedding = nn.Embedding(tokens, width)
        self.lstms = nn.ModuleList(nn.LSTM(width, width) for _ in range(layers))
        self.output = nn.Linear(width, tokens)
        self.dropout = nn.Dropout(dropout)

    def initial(self):
        return [torch.zeros(1, self.width) for _ in range(2 * len(self.lstms))]

    def scores(self, hidden):
        return torch.log_softmax(self.output(hidden), dim=-1)

    def predict(self, tokens):
        x = self.embedding(tokens).transpose(0, 1)
        for lstm in self.lstms:
            x = self.dropout(lstm(x)[0])
        return x.transpose(0, 1)

    def step(self, tokens, parents, memory, lengths, states):
        states = [torch.index_select(state, 0, parents) for state in states]
        x, new = self.embedding(tokens), []
        for lstm, h, c in zip(self.lstms, states[::2], states[1::2]):
            x, c = lstm_step(lstm, x, h, c)
            new += [x, c]
        return self.scores(x), x, new


class Bridge(nn.Module):
    """The source decoder's hidden rows as a second encoding: transformer layers that see whole rows."""

    def __init__(self, dim=144, layers=1, heads=4, hidden=384, dropout=0.1):
        super().__init__()
        self.layers = nn.ModuleList(TransformerLayer(dim, heads, hidden, (), dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, hidden, lengths):
        bias = attention_bias(lengths, hidden.shape[1])
        for layer in self.layers:
            hidden, _ = layer(hidden, (), bias, (), ())
        return self.norm(hidden), lengths
