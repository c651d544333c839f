"""Fine-tunes the autoencoder with learned step sizes (LSQ, Esser et al. 2020) and exports it.

Weights and activations: round(clip(x / s, first, last)) s with a step s a tensor that is trained
along; the codes of weights and of the latent vector are signed, the others unsigned.

Writes vae_lsq<bits>.onnx with the Div, Clip, Round and Mul chains of the training graph.
"""

import torch
import vae_nets
import vae_training
from torch import nn

STEP_RATE = 0.01  # of the weights' rate: steps are that much smaller


class LearnedStep(nn.Module):
    def __init__(self, bits: int, signed: bool):
        super().__init__()
        self.first = -(2 ** (bits - 1)) if signed else 0
        self.last = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
        self.step = nn.Parameter(torch.zeros(()))

    def start(self, x):
        """The first guess, from values that it will quantize; x as it is until then."""
        if self.step == 0:
            self.step.data = 2 * x.detach().abs().mean() / self.last**0.5

    def forward(self, x):
        step = self.step
        if self.training:
            self.start(x)
            # The value of the step, with a smaller gradient (section 2.2 of the paper).
            share = 1 / (x.numel() * self.last) ** 0.5
            step = step * share + (step * (1 - share)).detach()
        codes = vae_nets.round_through(torch.clamp(x / step, self.first, self.last))
        return codes * step


def main():
    args = vae_training.fine_tuning_arguments(__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    signed = vae_nets.LAYERS + ("latent",)
    net = vae_nets.QuantizedVae(lambda name: LearnedStep(args.bits, name in signed))
    net.load_state_dict(torch.load(args.start), strict=False)
    with torch.no_grad():
        net(*vae_training.sample_images(args))
    steps = list(net.quantizers.parameters())
    layers = [p for name in vae_nets.LAYERS for p in getattr(net, name).parameters()]
    groups = [{"params": layers}, {"params": steps, "lr": args.rate * STEP_RATE}]
    losses = vae_training.train(net, args, groups)
    vae_training.finish(net, args.out / f"vae_lsq{args.bits}.onnx", losses)


if __name__ == "__main__":
    main()
