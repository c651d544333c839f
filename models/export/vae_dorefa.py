"""Fine-tunes the autoencoder with DoReFa quantization (Zhou et al. 2016) and exports it.

Weights of a layer: c (2 round(n (tanh w / (2 max |tanh w|) + 1/2)) / n - 1) with n = 2^bits - 1 and
a constant c, so that training starts at the fp32 weights. Activations: round(n clip(x, 0, 1)) / n.
ReLU outputs fit into 0..1 because the layers before and after are rescaled, which changes nothing
in fp32; the latent vector, which is signed, is quantized as x / 8 + 2^(bits - 1) / n.

Writes vae_dorefa<bits>.onnx with the Tanh, Clip, Round and Mul chains of the training graph.
"""

import torch
import vae_nets
import vae_training
from torch import nn

LATENT_SPAN = 8.0
KEPT_WEIGHTS = {8: 1.0, 4: 0.998}
KEPT_ACTIVATIONS = 0.999


class DorefaWeight(nn.Module):
    def __init__(self, bits: int):
        super().__init__()
        self.last = 2**bits - 1
        self.register_buffer("largest", torch.ones(()))

    def forward(self, weight):
        bounded = torch.tanh(weight)
        unit = bounded / (2 * bounded.abs().max()) + 0.5
        return (2 * (vae_nets.round_through(unit * self.last) / self.last) - 1) * self.largest


class DorefaActivation(nn.Module):
    def __init__(self, bits: int):
        super().__init__()
        self.last = 2**bits - 1

    def forward(self, x):
        return vae_nets.round_through(torch.clamp(x, 0, 1) * self.last) / self.last


class DorefaLatent(DorefaActivation):
    def forward(self, x):
        offset = (self.last + 1) / 2 / self.last
        return (super().forward(x / LATENT_SPAN + offset) - offset) * LATENT_SPAN


def fit_into_unit_range(net, image, noise):
    """Rescales the two pairs of layers around a ReLU so that its outputs end at 1."""
    hidden = torch.relu(net.encoder(image))
    mu, logvar = net.mu(hidden), net.logvar(hidden)
    expanded = torch.relu(net.expand(mu + noise * torch.exp(0.5 * logvar)))
    pairs = (hidden, net.encoder, (net.mu, net.logvar)), (expanded, net.expand, (net.decoder,))
    for values, before, after in pairs:
        end = torch.quantile(values.amax(1), KEPT_ACTIVATIONS)
        for tensor in (before.weight, before.bias):
            tensor.div_(end)
        for layer in after:
            layer.weight.mul_(end)


def start_weights(net, bits: int):
    """Sets w and c of each layer so that c tanh w / max |tanh w| is the fp32 weight, clipped."""
    for name in vae_nets.LAYERS:
        weight = getattr(net, name).weight
        size = weight.abs().flatten()
        largest = size.kthvalue(max(1, int(KEPT_WEIGHTS[bits] * len(size)))).values
        net.quantizers[name].largest.copy_(largest)
        weight.copy_(torch.atanh((weight / largest).clamp(-1, 1) * 0.8))


def main():
    args = vae_training.fine_tuning_arguments(__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    kinds = {**dict.fromkeys(vae_nets.LAYERS, DorefaWeight),
             **dict.fromkeys(vae_nets.ACTIVATIONS, DorefaActivation), "latent": DorefaLatent}
    net = vae_nets.QuantizedVae(lambda name: kinds[name](args.bits))
    net.load_state_dict(torch.load(args.start), strict=False)
    with torch.no_grad():
        fit_into_unit_range(net, *vae_training.sample_images(args))
        start_weights(net, args.bits)
    losses = vae_training.train(net, args, net.parameters())
    vae_training.finish(net, args.out / f"vae_dorefa{args.bits}.onnx", losses)


if __name__ == "__main__":
    main()
