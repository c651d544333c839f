"""Random weights of a natural size, so that quantizing them means something."""

import torch
from torch import nn

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def spread_norms(model: nn.Module, negative: float = 0.05) -> None:
    """Normalization scales in [0.5, 1.5] with some negative, shifts around zero."""
    for module in model.modules():
        if isinstance(module, NORMS) and module.weight is not None:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            flip = torch.rand_like(module.weight) < negative
            module.weight.data[flip] *= -1
            nn.init.normal_(module.bias, 0.0, 0.2)


def unit_gain(model: nn.Module, gain: float = 1.0, bias: float = 0.1) -> None:
    """Linear and convolution weights whose outputs keep the variance of their inputs."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, 0.0, gain / fan_in**0.5)
            if module.bias is not None:
                nn.init.normal_(module.bias, 0.0, bias)


def scale_recurrent(model: nn.Module, factor: float = 2.0) -> None:
    """Widens the default LSTM and GRU weights so that gates leave their linear range."""
    for module in model.modules():
        if isinstance(module, (nn.LSTM, nn.GRU)):
            for parameter in module.parameters():
                parameter.data.mul_(factor)


@torch.no_grad()
def settle_batch_norms(model: nn.Module, make_batch, batches: int = 3) -> None:
    """Running statistics averaged over random batches; leaves the model in eval mode.

    make_batch: returns the tuple of arguments of a training-mode forward.
    """
    norms = [m for m in model.modules() if isinstance(m, BATCH_NORMS)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    for _ in range(batches):
        model(*make_batch())
    model.eval()
