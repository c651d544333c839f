"""The two CTC recognisers: [batch, frames, mels] log-mels in, [batch, frames', tokens] log-probs out.

Normalisation of the features is part of each net. Token 0 is the blank, token d + 1 the digit d.
"""
import math

import torch
from torch import nn

TOKENS = 11
BLANK = 0


class Normalise(nn.Module):
    """Subtracts a mean and divides by a deviation per mel, both fixed before training."""

    def __init__(self, mels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(mels))
        self.register_buffer("inverse_deviation", torch.ones(mels))

    def fit(self, frames):
        self.mean.copy_(frames.mean(0))
        self.inverse_deviation.copy_(1.0 / frames.std(0))

    def forward(self, x):
        return (x - self.mean) * self.inverse_deviation


class SpeechLstm(nn.Module):
    """Three frames stacked into one, then a bidirectional LSTM of three layers."""

    STACK = 3

    def __init__(self, mels=40, hidden=192, layers=3, dropout=0.1):
        super().__init__()
        self.normalise = Normalise(mels)
        self.hidden = hidden
        self.layers = layers
        self.lstm = nn.LSTM(mels * self.STACK, hidden, layers, batch_first=True, bidirectional=True,
                            dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(2 * hidden, TOKENS)

    def forward(self, x):
        x = self.normalise(x)
        batch, frames, mels = x.shape
        steps = frames // self.STACK
        x = x[:, :steps * self.STACK].reshape(batch, steps, mels * self.STACK)
        zeros = torch.zeros(2 * self.layers, batch, self.hidden, dtype=x.dtype)
        x, _ = self.lstm(x, (zeros, zeros))
        return torch.log_softmax(self.output(self.dropout(x)), dim=-1)


def sinusoids(positions, dim):
    """[positions] -> [1, positions, dim]: sine and cosine by turns (Vaswani et al. 2017, section 3.5)."""
    rate = torch.exp(torch.arange(0, dim, 2.0) * (-math.log(10000.0) / dim))
    angles = positions[:, None] * rate
    return torch.stack([torch.sin(angles), torch.cos(angles)], dim=-1).reshape(1, -1, dim)


class RelativeAttention(nn.Module):
    """Self-attention with relative positions (Dai et al., Transformer-XL, section 3.3)."""

    def __init__(self, dim, heads, dropout):
        super().__init__()
        self.heads = heads
        self.width = dim // heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.position = nn.Linear(dim, dim, bias=False)
        self.output = nn.Linear(dim, dim)
        self.content_bias = nn.Parameter(torch.zeros(heads, self.width))
        self.position_bias = nn.Parameter(torch.zeros(heads, self.width))
        self.dropout = nn.Dropout(dropout)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, self.width)

    @staticmethod
    def shift(scores):
        """[batch, heads, T, 2T - 1] by distance T-1 .. -(T-1) -> [batch, heads, T, T] by key."""
        batch, heads, rows, columns = scores.shape
        zeros = torch.zeros(batch, heads, rows, 1, dtype=scores.dtype)
        padded = torch.cat([zeros, scores], dim=-1).view(batch, heads, columns + 1, rows)
        return padded[:, :, 1:].reshape(batch, heads, rows, columns)[:, :, :, :rows]

    def forward(self, x, positions, bias=None):
        """bias [batch, 1, 1, T], if given, is added to the scores of each key."""
        query = self.split(self.query(x))
        key = self.split(self.key(x)).permute(0, 2, 3, 1)
        value = self.split(self.value(x)).transpose(1, 2)
        position = self.split(self.position(positions)).permute(0, 2, 3, 1)
        content = torch.matmul((query + self.content_bias).transpose(1, 2), key)
        relative = torch.matmul((query + self.position_bias).transpose(1, 2), position)
        scores = (content + self.shift(relative)) * (1.0 / math.sqrt(self.width))
        if bias is not None:
            scores = scores + bias
        mixed = torch.matmul(self.dropout(torch.softmax(scores, dim=-1)), value)
        mixed = mixed.transpose(1, 2).reshape(x.shape[0], x.shape[1], self.heads * self.width)
        return self.output(mixed)


class FeedForward(nn.Sequential):
    def __init__(self, dim, hidden, dropout):
        super().__init__(nn.LayerNorm(dim), nn.Linear(dim, hidden), nn.SiLU(), nn.Dropout(dropout),
                         nn.Linear(hidden, dim), nn.Dropout(dropout))


class Convolution(nn.Module):
    """Pointwise with GLU, depthwise, batch norm, swish, pointwise; channels first inside."""

    def __init__(self, dim, kernel, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Conv1d(dim, 2 * dim, 1)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.batch_norm = nn.BatchNorm1d(dim)
        self.project = nn.Conv1d(dim, dim, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, keep=None):
        """keep [batch, 1, T], if given, is 1 in a row's own steps and 0 in its padding."""
        x = self.norm(x).transpose(1, 2)
        x = nn.functional.glu(self.expand(x), dim=1)
        if keep is not None:
            x = x * keep
        x = nn.functional.silu(self.batch_norm(self.depthwise(x)))
        return self.dropout(self.project(x).transpose(1, 2))


class ConformerBlock(nn.Module):
    def __init__(self, dim, heads, kernel, dropout):
        super().__init__()
        self.first = FeedForward(dim, 4 * dim, dropout)
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = RelativeAttention(dim, heads, dropout)
        self.attention_dropout = nn.Dropout(dropout)
        self.convolution = Convolution(dim, kernel, dropout)
        self.second = FeedForward(dim, 4 * dim, dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x, positions, bias=None, keep=None):
        x = x + 0.5 * self.first(x)
        x = x + self.attention_dropout(self.attention(self.attention_norm(x), positions, bias))
        x = x + self.convolution(x, keep)
        x = x + 0.5 * self.second(x)
        return self.norm(x)


class SpeechConformer(nn.Module):
    """Conformer (Gulati et al. 2020): convolutional subsampling by 4, then blocks, then CTC.

    At most 4 x MAX_STEPS frames, 20 s: the table of positions ends there.
    """

    MAX_STEPS = 512

    def __init__(self, mels=40, dim=144, blocks=4, heads=4, kernel=15, channels=48, dropout=0.1):
        super().__init__()
        self.normalise = Normalise(mels)
        self.subsample = nn.Sequential(nn.Conv2d(1, channels, 3, 2, 1), nn.ReLU(),
                                       nn.Conv2d(channels, channels, 3, 2, 1), nn.ReLU())
        self.embed = nn.Linear(channels * ((mels + 3) // 4), dim)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(ConformerBlock(dim, heads, kernel, dropout) for _ in range(blocks))
        self.output = nn.Linear(dim, TOKENS)
        # Distances MAX_STEPS - 1 down to -(MAX_STEPS - 1).
        self.register_buffer("table", sinusoids(torch.arange(self.MAX_STEPS - 1, -self.MAX_STEPS, -1.0), dim),
                             persistent=False)

    def forward(self, x):
        x = self.subsample(self.normalise(x).unsqueeze(1))
        x = x.transpose(1, 2).flatten(2)
        x = self.dropout(self.embed(x))
        steps = x.shape[1]
        positions = self.table[:, self.MAX_STEPS - steps:self.MAX_STEPS + steps - 1]
        for block in self.blocks:
            x = block(x, positions)
        return torch.log_softmax(self.output(x), dim=-1)


def build(name, dropout=0.1):
    return {"speech_lstm": SpeechLstm, "speech_conformer": SpeechConformer}[name](dropout=dropout)
