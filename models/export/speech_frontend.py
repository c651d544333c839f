"""What a speech front end computes: its constants and a numpy form of log-mel, Kaldi fbank and MFCC.

frontend_graph.py writes the same as an ONNX graph.
"""
import dataclasses

import numpy as np

HOPS = (160, 200, 250, 300)


@dataclasses.dataclass(frozen=True)
class Frontend:
    """Frames of `span` samples every `hop`, without centring; rates and edges in Hz.

    style "librosa": the window, a periodic Hann, lies in the middle of `fft` samples, triangles are linear
    in Hz (librosa.filters.mel with norm=None; torch.stft with center=False). style "kaldi": frames of
    `window` samples, zero-padded behind, their mean removed, pre-emphasis 0.97, the Povey window, triangles
    linear in mel. Energies are floored at `floor` before the natural logarithm. With `cepstra`, that many
    of the orthonormal DCT-II of the log energies (librosa.feature.mfcc with natural logarithms).
    """

    style: str = "librosa"
    rate: int = 16000
    hop: int = 160
    window: int = 400
    fft: int = 512
    mels: int = 40
    low: float = 60.0
    high: float = 3900.0
    slaney: bool = False  # the mel scale of Slaney's toolbox in place of HTK's
    floor: float = 1e-6
    scale: float = 1.0  # of samples in [-1, 1]: 32768 gives Kaldi's values
    cepstra: int = 0

    def with_hop(self, hop):
        return dataclasses.replace(self, hop=hop)

    @property
    def kaldi(self):
        return self.style == "kaldi"

    @property
    def span(self):
        return self.window if self.kaldi else self.fft

    @property
    def width(self):
        return self.cepstra or self.mels

    def frames(self, samples):
        return np.maximum(0, 1 + (np.asarray(samples) - self.span) // self.hop)

    def mel(self, hz):
        hz = np.asarray(hz, np.float64)
        if self.slaney:
            return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1) / 1000) * 27 / np.log(6.4))
        return 2595 * np.log10(1 + hz / 700)

    def hertz(self, mel):
        mel = np.asarray(mel, np.float64)
        if self.slaney:
            return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
        return 700 * (10 ** (mel / 2595) - 1)

    def filters(self):
        """[fft / 2 + 1, mels]: triangles of peak 1 over the power spectrum's bins."""
        edges = np.linspace(self.mel(self.low), self.mel(self.high), self.mels + 2)
        bins = np.arange(self.fft // 2 + 1) * self.rate / self.fft
        if self.kaldi:
            bins = self.mel(bins)
        else:
            edges = self.hertz(edges)
        bins = bins[:, None]
        rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
        fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
        return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)

    def taper(self):
        """[fft]: the window at its place among the transform's samples."""
        out = np.zeros(self.fft, np.float64)
        n = np.arange(self.window)
        if self.kaldi:
            out[: self.window] = (0.5 - 0.5 * np.cos(2 * np.pi * n / (self.window - 1))) ** 0.85
        else:
            start = (self.fft - self.window) // 2
            out[start : start + self.window] = 0.5 - 0.5 * np.cos(2 * np.pi * n / self.window)
        return out.astype(np.float32)

    def cosines(self):
        """[mels, cepstra]: the orthonormal DCT-II."""
        n = np.arange(self.mels)[:, None]
        k = np.arange(self.cepstra)[None, :]
        out = np.sqrt(2 / self.mels) * np.cos(np.pi * (n + 0.5) * k / self.mels)
        out[:, 0] /= np.sqrt(2)
        return out.astype(np.float32)

    def compute(self, x):
        """float [samples] in [-1, 1] -> float32 [frames, width]."""
        x = np.asarray(x, np.float32) * np.float32(self.scale)
        count = int(self.frames(x.size))
        step = x.strides[0]
        rows = np.lib.stride_tricks.as_strided(x, (count, self.span), (step * self.hop, step))
        if self.kaldi:
            rows = rows - rows.mean(1, keepdims=True)
            rows = rows - 0.97 * np.concatenate([rows[:, :1], rows[:, :-1]], 1)
        power = np.abs(np.fft.rfft(rows * self.taper()[: self.span], self.fft)).astype(np.float32) ** 2
        out = np.log(np.maximum(power @ self.filters(), np.float32(self.floor)))
        return out @ self.cosines() if self.cepstra else out
