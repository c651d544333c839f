"""Encoders of the hybrid recognisers, for batches of rows with padding behind them, and the CTC head.

An encoder takes normalised features [B, T, F] and lengths int64 [B] and gives encoded [B, S, D] and
encoded_lengths [B]; padding never changes a row's own steps, which are the first of its row.
"""
import torch
from torch import nn

import lstm_training
from speech_nets import ConformerBlock, sinusoids

FAR = -1e4  # added to the scores of what must not be attended to


def own(lengths, extent):
    """bool [B, extent]: true at a row's own steps."""
    return torch.arange(extent)[None, :] < lengths[:, None]


def attention_bias(lengths, extent):
    """[B, 1, 1, extent]: 0 at a row's own steps, FAR in its padding."""
    return (1.0 - own(lengths, extent).float())[:, None, None, :] * FAR


class ConformerEncoder(nn.Module):
    """Two 3x3 convolutions of stride 2, then conformer blocks with relative positions.

    S = ceil(ceil(T / 2) / 2). Distances past `far` steps count as `far`: the table of positions ends there.
    """

    def __init__(self, mels=40, dim=144, blocks=3, heads=4, kernel=15, channels=48, far=127, dropout=0.1):
        super().__init__()
        self.width, self.far = dim, far
        self.first = nn.Conv2d(1, channels, 3, 2, 1)
        self.second = nn.Conv2d(channels, channels, 3, 2, 1)
        self.embed = nn.Linear(channels * ((mels + 3) // 4), dim)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(ConformerBlock(dim, heads, kernel, dropout) for _ in range(blocks))
        self.register_buffer("table", sinusoids(torch.arange(far, -far - 1, -1.0), dim), persistent=False)

    @staticmethod
    def halved(lengths):
        return torch.div(lengths + 1, 2, rounding_mode="floor")

    def convolve(self, convolution, x, lengths):
        """x [B, C, T, F] with its padding zeroed -> [B, C', ceil(T / 2), F'], its padding zeroed again."""
        x = torch.relu(convolution(x))
        return x * own(self.halved(lengths), x.shape[2]).float()[:, None, :, None]

    def forward(self, x, lengths):
        x = (x * own(lengths, x.shape[1]).float()[:, :, None]).unsqueeze(1)
        x = self.convolve(self.first, x, lengths)
        lengths = self.halved(lengths)
        x = self.convolve(self.second, x, lengths)
        lengths = self.halved(lengths)
        x = self.dropout(self.embed(x.transpose(1, 2).flatten(2)))
        steps = x.shape[1]
        distances = torch.arange(1 - steps, steps)
        positions = torch.index_select(self.table, 1, distances.clamp(-self.far, self.far) + self.far)
        bias = attention_bias(lengths, steps)
        keep = own(lengths, steps).float()[:, None, :]
        for block in self.blocks:
            x = block(x, positions, bias, keep)
        return x, lengths


class LstmEncoder(nn.Module):
    """`stack` frames joined into one, then a bidirectional LSTM; S = floor(T / stack)."""

    def __init__(self, mels=40, hidden=192, layers=2, stack=3, dropout=0.1):
        super().__init__()
        self.width, self.stack = 2 * hidden, stack
        self.lstm = nn.LSTM(mels * stack, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        # The exporter writes a sequence's length into the graph only for rows in falling order of length;
        # the graph itself needs no order.
        self.sorted = False

    def forward(self, x, lengths):
        batch, frames, mels = x.shape
        steps = frames // self.stack
        x = x[:, :steps * self.stack].reshape(batch, steps, mels * self.stack)
        lengths = torch.div(lengths, self.stack, rounding_mode="floor")
        if self.training:
            return self.dropout(lstm_training.run(self.lstm, x, lengths)), lengths
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=self.sorted)
        zeros = torch.zeros(2 * self.lstm.num_layers, batch, self.lstm.hidden_size)
        x, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed, (zeros, zeros))[0], batch_first=True)
        return self.dropout(x), lengths


class CtcHead(nn.Module):
    """encoded [B, S, D] -> log_probs [B, S, V]."""

    def __init__(self, width, tokens):
        super().__init__()
        self.output = nn.Linear(width, tokens)

    def forward(self, encoded):
        return torch.log_softmax(self.output(encoded), dim=-1)
