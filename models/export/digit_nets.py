"""The two digit classifiers: float [batch, 1, 28, 28] in 0..1 -> logits [batch, 10]."""
from torch import nn


class DigitsMlp(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2),
                         nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, 10))


class SqueezeExcite(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Sequential(nn.Conv2d(channels, squeezed, 1), nn.ReLU(),
                                  nn.Conv2d(squeezed, channels, 1), nn.Hardsigmoid())

    def forward(self, x):
        return x * self.gate(self.pool(x))


class InvertedResidual(nn.Module):
    """Expand, depthwise, squeeze-excite, project (Howard et al. 2019, MobileNetV3)."""

    def __init__(self, inputs, hidden, outputs, kernel, stride):
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.Hardswish(),
            nn.Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden), nn.Hardswish(), SqueezeExcite(hidden, hidden // 4),
            nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


class DigitsCnn(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.Hardswish(),
            InvertedResidual(32, 64, 64, 3, 1), InvertedResidual(64, 128, 128, 5, 2),
            InvertedResidual(128, 384, 128, 5, 1), InvertedResidual(128, 384, 128, 3, 1),
            nn.Conv2d(128, 640, 1, bias=False), nn.BatchNorm2d(640), nn.Hardswish(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(640, 640), nn.Hardswish(),
            nn.Dropout(0.2), nn.Linear(640, 10))


def build(name):
    return {"digits_mlp": DigitsMlp, "digits_cnn": DigitsCnn}[name]()
