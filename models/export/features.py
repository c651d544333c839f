"""Log-mel features at 8 kHz: 25 ms Hann window, 10 ms hop, 40 HTK mels from 60 to 3,900 Hz.

No centring: frame t covers samples [80 t, 80 t + 200). Pre-emphasis 0.97, power spectrum of
256 points, triangular filters on the mel scale, natural logarithm floored at LOG_FLOOR.
Samples are float in [-1, 1].
"""
import numpy as np

RATE = 8000
WINDOW = 200
HOP = 80
FFT = 256
MELS = 40
LOW_HZ = 60.0
HIGH_HZ = 3900.0
POWER_FLOOR = 1e-6
LOG_FLOOR = float(np.log(POWER_FLOOR))


def hz_to_mel(hz):
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def mel_filters():
    """[FFT / 2 + 1, MELS]: triangles that are linear in mel, peak 1."""
    edges = np.linspace(hz_to_mel(LOW_HZ), hz_to_mel(HIGH_HZ), MELS + 2)
    bins = hz_to_mel(np.arange(FFT // 2 + 1) * RATE / FFT)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)


FILTERS = mel_filters()
HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def frame_count(samples):
    return 0 if samples < WINDOW else 1 + (samples - WINDOW) // HOP


def log_mel(x):
    """float [samples] in [-1, 1] -> float32 [frames, MELS]."""
    x = np.asarray(x, dtype=np.float32)
    x = np.concatenate([x[:1] * np.float32(0.03), x[1:] - np.float32(0.97) * x[:-1]])
    n = frame_count(x.size)
    frames = np.lib.stride_tricks.as_strided(x, (n, WINDOW), (x.strides[0] * HOP, x.strides[0]))
    power = np.abs(np.fft.rfft(frames * HANN, FFT, axis=1)).astype(np.float32) ** 2
    return np.log(np.maximum(power @ FILTERS, POWER_FLOOR)).astype(np.float32)
