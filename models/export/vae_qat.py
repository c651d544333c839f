"""Fine-tunes the autoencoder with fake quantization as PyTorch does it, and exports it.

Weights: per channel, symmetric, signed, narrow range. Activations: per tensor, asymmetric,
unsigned, by a moving average of minimum and maximum (Jacob et al. 2018).

Writes vae_qat<bits>.onnx, whose pairs of QuantizeLinear and DequantizeLinear hold 8-bit codes (with
4 bits: codes within -7..7, and activations clipped to 16 steps before the pair);
vae_qat<bits>_float.onnx, the same weights without quantization; and its
vae_qat<bits>.calibration.json, a dictionary of layers like the calibration_config of NNI.
"""

import json

import torch
import vae_nets
import vae_training
from torch import nn

AVERAGING = 0.01


class FakeWeight(nn.Module):
    def __init__(self, bits: int):
        super().__init__()
        self.last = 2 ** (bits - 1) - 1

    def parameters_of(self, weight):
        """(scales, zero points), one an output channel; the largest weight gets the last code."""
        scale = weight.detach().abs().amax(1).clamp(min=1e-8) / self.last
        return scale, torch.zeros(len(scale), dtype=torch.int32)

    def forward(self, weight):
        first, last = -self.last, self.last
        scale, zero_point = self.parameters_of(weight)
        if torch.onnx.is_in_onnx_export():
            # The exporter knows whole bytes alone: no weight reaches the codes outside. The scales
            # are made anew so that they are constants of the graph, not computed there.
            first, last = -128, 127
            scale = torch.tensor(scale.tolist())
        return torch.fake_quantize_per_channel_affine(weight, scale, zero_point, 0, first, last)


class FakeActivation(nn.Module):
    def __init__(self, bits: int):
        super().__init__()
        self.last = 2**bits - 1
        self.register_buffer("range", torch.zeros(2))

    def observe(self, x):
        seen = torch.stack([x.min().clamp(max=0), x.max().clamp(min=0)])
        first = not self.range.any()
        self.range.copy_(seen if first else self.range + AVERAGING * (seen - self.range))

    def parameters_of(self) -> tuple:
        low, high = self.range.tolist()
        scale = (high - low) / self.last
        return scale, min(max(round(-low / scale), 0), self.last)

    def forward(self, x):
        if self.training:
            self.observe(x.detach())
        scale, zero_point = self.parameters_of()
        if torch.onnx.is_in_onnx_export() and self.last != 255:
            x = torch.clamp(x, -zero_point * scale, (self.last - zero_point) * scale)
        last = 255 if torch.onnx.is_in_onnx_export() else self.last
        return torch.fake_quantize_per_tensor_affine(x, scale, zero_point, 0, last)


def calibration(net, bits: int) -> dict:
    """What the observers and the weights say, by layer."""
    layers = {}
    for name, source in vae_nets.READS.items():
        scale, zero_point = net.quantizers[name].parameters_of(getattr(net, name).weight)
        low, high = net.quantizers[source].range.tolist()
        layers[name] = {
            "weight_bits": bits,
            "weight_scale": scale.tolist(),
            "weight_zero_point": zero_point.tolist(),
            "input_bits": bits,
            "tracked_min_input": low,
            "tracked_max_input": high,
        }
    return layers


def main():
    args = vae_training.fine_tuning_arguments(__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    kinds = {**dict.fromkeys(vae_nets.LAYERS, FakeWeight),
             **dict.fromkeys(vae_nets.ACTIVATIONS, FakeActivation)}
    net = vae_nets.QuantizedVae(lambda name: kinds[name](args.bits))
    net.load_state_dict(torch.load(args.start), strict=False)
    net(*vae_training.sample_images(args))
    losses = vae_training.train(net, args, net.parameters())
    name = f"vae_qat{args.bits}"
    vae_training.finish(net, args.out / f"{name}.onnx", losses)
    plain = vae_nets.Vae()
    plain.load_state_dict(net.state_dict(), strict=False)
    vae_training.export(plain, args.out / f"{name}_float.onnx")
    text = json.dumps(calibration(net, args.bits), indent=1) + "\n"
    (args.out / f"{name}.calibration.json").write_text(text)


if __name__ == "__main__":
    main()
