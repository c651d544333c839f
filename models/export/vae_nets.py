"""The variational autoencoder 784-400-20 of digit images, and the frame of its quantized forms.

Kingma and Welling 2014, "Auto-Encoding Variational Bayes".
"""

import torch
from torch import nn
from torch.nn import functional

PIXELS, LATENT = 784, 20
LAYERS = ("encoder", "mu", "logvar", "expand", "decoder")
ACTIVATIONS = ("image", "hidden", "latent", "expanded")
READS = dict(zip(LAYERS, ("image", "hidden", "hidden", "latent", "expanded")))


class Vae(nn.Module):
    """The noise is an input, so that the graph is a function.

    image (B, 784) in 0..1, noise (B, latent) -> reconstruction (B, 784), mu and logvar (B, latent).
    """

    def __init__(self, pixels: int = PIXELS, hidden: int = 400, latent: int = LATENT):
        super().__init__()
        self.encoder = nn.Linear(pixels, hidden)
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)
        self.expand = nn.Linear(latent, hidden)
        self.decoder = nn.Linear(hidden, pixels)

    def dense(self, name: str, x):
        return getattr(self, name)(x)

    def quantize(self, name: str, x):
        """The activation as the layers that READ it see it."""
        return x

    def forward(self, image, noise):
        hidden = torch.relu(self.dense("encoder", self.quantize("image", image)))
        hidden = self.quantize("hidden", hidden)
        mu, logvar = self.dense("mu", hidden), self.dense("logvar", hidden)
        latent = self.quantize("latent", mu + noise * torch.exp(0.5 * logvar))
        expanded = torch.relu(self.dense("expand", latent))
        logits = self.dense("decoder", self.quantize("expanded", expanded))
        return torch.sigmoid(logits), mu, logvar


class QuantizedVae(Vae):
    """All five layers with quantized weights and inputs; make(name) gives a quantizer module.

    Names are those of the layers, for their weights, and of the activations.
    """

    def __init__(self, make):
        super().__init__()
        self.quantizers = nn.ModuleDict({name: make(name) for name in LAYERS + ACTIVATIONS})

    def dense(self, name: str, x):
        layer = getattr(self, name)
        return functional.linear(x, self.quantizers[name](layer.weight), layer.bias)

    def quantize(self, name: str, x):
        return self.quantizers[name](x)


class RoundThrough(torch.autograd.Function):
    """Rounds half to even; the gradient passes straight through (Bengio et al. 2013)."""

    @staticmethod
    def forward(context, x):
        return torch.round(x)

    @staticmethod
    def backward(context, gradient):
        return gradient

    @staticmethod
    def symbolic(graph, x):
        return graph.op("Round", x)


round_through = RoundThrough.apply


def loss_per_image(outputs, image):
    """Negative evidence lower bound, summed over the pixels, averaged over the images."""
    reconstruction, mu, logvar = outputs
    entropy = functional.binary_cross_entropy(reconstruction, image, reduction="sum")
    divergence = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (entropy + divergence) / len(image)
