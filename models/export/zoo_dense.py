"""Multilayer perceptrons and a variational autoencoder."""

import torch
from torch import nn
from vae_nets import Vae
from zoo_spec import Entry, Port, normal
from zoo_weights import unit_gain

CASES = ({"batch": 1}, {"batch": 7}, {"batch": 64})


def build_mlp(widths: tuple) -> nn.Module:
    layers = []
    for width_in, width_out in zip(widths, widths[1:]):
        layers += [nn.Linear(width_in, width_out), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    unit_gain(model, gain=2**0.5)
    return model.eval()


def build_vae() -> nn.Module:
    model = Vae()
    unit_gain(model, gain=1.2)
    return model.eval()


def mlp_entry(widths: tuple, opset: int) -> Entry:
    return Entry(
        name="mlp_" + "_".join(map(str, widths)),
        build=lambda: build_mlp(widths),
        inputs=(Port("input", ("batch", widths[0]), fill=normal()),),
        outputs=(Port("logits", ("batch", widths[-1])),),
        cases=CASES,
        settings={"widths": list(widths), "activation": "relu"},
        opset=opset,
    )


def entries() -> list:
    vae = Entry(
        name="vae_784_400_20",
        build=build_vae,
        inputs=(
            Port("image", ("batch", 784), fill=normal()),
            Port("noise", ("batch", 20), fill=normal()),
        ),
        outputs=(
            Port("reconstruction", ("batch", 784)),
            Port("mu", ("batch", 20)),
            Port("logvar", ("batch", 20)),
        ),
        cases=CASES,
        settings={"pixels": 784, "hidden": 400, "latent": 20},
    )
    return [mlp_entry((400, 256, 256, 10), 17), mlp_entry((400, 1024, 1024, 10), 11), vae]
