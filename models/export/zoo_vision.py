"""torchvision classifiers with dynamic batch and image size."""

import torch
import torchvision
from torch import nn
from zoo_spec import Entry, Port, normal
from zoo_weights import settle_batch_norms, spread_norms

CASES = (
    {"batch": 1, "height": 224, "width": 224},
    {"batch": 2, "height": 160, "width": 192},
    {"batch": 3, "height": 97, "width": 131},
)

# HardSwish is an operator from opset 14; below it is spelled out.
OPSETS = {
    "resnet18": 17,
    "mobilenet_v2": 13,
    "mobilenet_v3_large": 17,
    "mobilenet_v3_small": 11,
    "squeezenet1_0": 11,
    "mnasnet1_0": 13,
}
KEEP_BATCH_NORM = {"resnet18", "mobilenet_v3_small", "mnasnet1_0"}


def build(name: str) -> nn.Module:
    model = torchvision.models.get_model(name, weights=None)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.normal_(module.bias, 0.0, 0.1)
        if isinstance(module, nn.Linear) or module is final_convolution(model):
            nn.init.normal_(module.weight, 0.0, module.weight[0].numel() ** -0.5)
    spread_norms(model)
    settle_batch_norms(model, lambda: (torch.randn(4, 3, 128, 128),))
    return model.eval()


def final_convolution(model: nn.Module):
    """The classifier of SqueezeNet is a convolution, which torchvision starts near zero."""
    return model.classifier[1] if isinstance(model, torchvision.models.SqueezeNet) else None


def entries() -> list:
    return [
        Entry(
            name=name,
            build=lambda name=name: build(name),
            inputs=(Port("image", ("batch", 3, "height", "width"), fill=normal()),),
            outputs=(Port("logits", ("batch", 1000)),),
            cases=CASES,
            settings={"source": f"torchvision.models.{name}", "classes": 1000},
            opset=opset,
            keep_batch_norm=name in KEEP_BATCH_NORM,
        )
        for name, opset in OPSETS.items()
    ]
