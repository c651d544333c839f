"""nn.LSTM's bidirectional layers with a backward pass of their own: the recurrent weights' gradient is one
product over all steps, where torch's CPU code adds up one a step (several times the time in all)."""
import torch
from torch import nn


class Recurrence(torch.autograd.Function):
    """Steps of D LSTMs side by side: inputs' share of the gates [T, D, B, 4 H] in torch's order, recurrent
    weights [D, 4 H, H] -> h [T, D, B, H]. The gradient is backpropagation through time."""

    @staticmethod
    def forward(context, inputs, weights):
        steps, directions, batch, width = inputs.shape
        width //= 4
        gates = torch.empty_like(inputs)
        cells = inputs.new_zeros(steps + 1, directions, batch, width)
        bent, rows = torch.empty_like(cells[1:]), torch.zeros_like(cells)
        turned = weights.transpose(1, 2)
        for t in range(steps):
            at = torch.baddbmm(inputs[t], rows[t], turned, out=gates[t])
            at[..., :2 * width].sigmoid_()
            at[..., 2 * width:3 * width].tanh_()
            at[..., 3 * width:].sigmoid_()
            i, f, g, o = at.chunk(4, -1)
            torch.addcmul(f * cells[t], i, g, out=cells[t + 1])
            torch.tanh(cells[t + 1], out=bent[t])
            torch.mul(o, bent[t], out=rows[t + 1])
        context.save_for_backward(weights, gates, cells, bent, rows)
        return rows[1:]

    @staticmethod
    def backward(context, upper):
        weights, gates, cells, bent, rows = context.saved_tensors
        steps, directions, batch, width = upper.shape
        out = torch.empty_like(gates)
        of_h, of_c = torch.zeros_like(rows[0]), torch.zeros_like(rows[0])
        for t in reversed(range(steps)):
            i, f, g, o = gates[t].chunk(4, -1)
            of_h = of_h + upper[t]
            of_c = of_c + of_h * o * (1 - bent[t] * bent[t])
            parts = (of_c * g * i * (1 - i), of_c * cells[t] * f * (1 - f), of_c * i * (1 - g * g),
                     of_h * bent[t] * o * (1 - o))
            torch.cat(parts, -1, out=out[t])
            of_c = of_c * f
            of_h = torch.bmm(out[t], weights)
        flat = out.transpose(0, 1).reshape(directions, steps * batch, 4 * width)
        before = rows[:-1].transpose(0, 1).reshape(directions, steps * batch, width)
        return out, torch.bmm(flat.transpose(1, 2), before)


def turned(x, lengths):
    """[B, T, ...] with each row's own steps in reverse and its padding where it was."""
    steps = torch.arange(x.shape[1])[None, :]
    index = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return torch.gather(x, 1, index[:, :, None].expand(-1, -1, x.shape[2]))


def run(lstm, x, lengths):
    """A bidirectional nn.LSTM (batch_first) over x [B, T, in] -> [B, T, 2 H], zero in the padding."""
    keep = (torch.arange(x.shape[1])[None, :] < lengths[:, None])[:, :, None]
    for layer in range(lstm.num_layers):
        if layer:
            x = nn.functional.dropout(x, lstm.dropout, lstm.training)
        weights = [[getattr(lstm, f"{name}_l{layer}{end}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
                   for end in ("", "_reverse")]
        inputs = [nn.functional.linear(row, w, b + c)
                  for row, (w, _, b, c) in zip((x, turned(x, lengths)), weights)]
        rows = Recurrence.apply(torch.stack(inputs).permute(2, 0, 1, 3).contiguous(),
                                torch.stack([r for _, r, _, _ in weights]))
        ahead, back = rows.permute(1, 2, 0, 3).unbind(0)
        x = torch.cat([ahead, turned(back, lengths)], -1) * keep
    return x
