"""torchaudio Conformer encoders behind convolutional subsampling, with a CTC head."""

import torch
import torchaudio
from torch import nn
from zoo_spec import Entry, Port, lengths, normal
from zoo_weights import settle_batch_norms, spread_norms, unit_gain

FEATURES = 80
TOKENS = 128


class Subsampling(nn.Module):
    """Two 3x3 convolutions of stride 2 and a projection: (B, T, 80) -> (B, T', width)."""

    def __init__(self, width: int):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, width, 3, stride=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride=2),
            nn.ReLU(),
        )
        self.projection = nn.Linear(width * shrink(shrink(FEATURES)), width)

    def forward(self, features):
        x = self.convolutions(features.unsqueeze(1))
        return self.projection(x.transpose(1, 2).flatten(2))


def shrink(size):
    """Output size of an unpadded convolution of kernel 3 and stride 2."""
    return (size - 3) // 2 + 1


class ConformerCtc(nn.Module):
    """features (B, T, 80), lengths (B) or all frames -> log_probs (B, T', tokens).

    The padding mask takes its width from the traced shape: torchaudio's own goes through a Python
    int, which tracing would freeze.
    """

    def __init__(self, layers: int, width: int, heads: int, ffn: int, kernel: int):
        super().__init__()
        self.subsampling = Subsampling(width)
        self.conformer = torchaudio.models.Conformer(width, heads, ffn, layers, kernel)
        self.head = nn.Linear(width, TOKENS)

    def forward(self, features, lengths=None):
        x = self.subsampling(features)
        frames = torch.arange(x.shape[1]).unsqueeze(0)
        if lengths is None:
            mask = (frames >= x.shape[1]).expand(x.shape[0], x.shape[1])
        else:
            mask = frames >= shrink(shrink(lengths)).unsqueeze(1)
        x = x.transpose(0, 1)
        for layer in self.conformer.conformer_layers:
            x = layer(x, mask)
        log_probs = torch.log_softmax(self.head(x.transpose(0, 1)), dim=-1)
        return log_probs if lengths is None else (log_probs, shrink(shrink(lengths)))


def build(settings: dict) -> nn.Module:
    model = ConformerCtc(**settings)
    unit_gain(model)
    spread_norms(model)
    settle_batch_norms(model, lambda: (torch.randn(2, 200, FEATURES),))
    return model.eval()


def entry(
    name: str,
    settings: dict,
    opset: int,
    cases: tuple,
    padded: bool = False,
    keep_batch_norm: bool = False,
) -> Entry:
    inputs = [Port("features", ("batch", "frames", FEATURES), fill=normal())]
    outputs = [Port("log_probs", ("batch", "encoded_frames", TOKENS))]
    if padded:
        inputs.append(Port("lengths", ("batch",), "int64", lengths("features", 1)))
        outputs.append(Port("encoded_lengths", ("batch",)))
    return Entry(
        name=name,
        build=lambda: build(settings),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        cases=cases,
        settings=dict(settings, features=FEATURES, tokens=TOKENS, padded=padded),
        opset=opset,
        keep_batch_norm=keep_batch_norm,
    )


def entries() -> list:
    large = {"layers": 12, "width": 512, "heads": 8, "ffn": 2048, "kernel": 31}
    small = {"layers": 16, "width": 144, "heads": 4, "ffn": 576, "kernel": 31}
    cases = tuple({"batch": b, "frames": f} for b, f in ((1, 203), (2, 120), (3, 67)))
    return [
        entry("conformer_12x512", large, 17, cases),
        entry("conformer_16x144", small, 13, cases, keep_batch_norm=True),
        entry("conformer_16x144_padded", small, 17, cases[::-1], padded=True),
    ]
