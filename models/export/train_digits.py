"""Trains a digit classifier on distorted MNIST images and on rendered digits."""
import argparse
import os
import time

import numpy as np
import torch
from torch import nn

import digit_nets
import images


def make_cache(args):
    """Rendered digits and warped copies of MNIST's training part, made once and kept on disk."""
    if not os.path.exists(args.cache):
        rng = np.random.default_rng(args.seed)
        renderer = images.Renderer(args.seed, "train")
        labels = rng.integers(0, 10, args.rendered)
        rendered = np.stack([renderer.draw(int(d), 1.0) for d in labels])
        real, real_labels = images.read_mnist(os.path.join(args.real_data, "mnist"))
        real, real_labels = real[:images.HELD_OUT_FROM], real_labels[:images.HELD_OUT_FROM]
        warped = images.distorted_copies(rng, real, args.copies, 0.9)
        np.savez(args.cache, images=np.concatenate([rendered, real, real, warped]),
                 labels=np.concatenate([labels, real_labels, real_labels,
                                        np.tile(real_labels, args.copies)]))
    with np.load(args.cache) as arrays:
        return arrays["images"], arrays["labels"]


def tensor(x):
    # Channels last: depthwise convolutions train twice as fast.
    x = torch.from_numpy(x.astype(np.float32) / 255).unsqueeze(1)
    return x.to(memory_format=torch.channels_last)


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        hits = sum((net(tensor(x[i:i + 500])).argmax(1).numpy() == y[i:i + 500]).sum()
                   for i in range(0, len(x), 500))
    net.train()
    return hits / len(x)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--net", choices=["digits_mlp", "digits_cnn"], required=True)
    ap.add_argument("--real-data", required=True, help="folder that holds mnist/")
    ap.add_argument("--cache", required=True, help="npz of training images; made if missing")
    ap.add_argument("--rendered", type=int, default=15000)
    ap.add_argument("--copies", type=int, default=8)
    ap.add_argument("--epochs", type=int, required=True)
    ap.add_argument("--batch", type=int, default=128)
    ap.add_argument("--rate", type=float, default=2e-3)
    ap.add_argument("--seed", type=int, default=3)
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    x, y = make_cache(args)
    real, labels = images.read_mnist(os.path.join(args.real_data, "mnist"))
    held, held_labels = real[images.HELD_OUT_FROM:], labels[images.HELD_OUT_FROM:]
    net = digit_nets.build(args.net).to(memory_format=torch.channels_last)
    steps = args.epochs * (len(x) // args.batch)
    print(sum(p.numel() for p in net.parameters()), "parameters,", len(x), "images,", steps, "steps", flush=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.02)
    rng = np.random.default_rng(args.seed)
    begin = time.time()
    for epoch in range(args.epochs):
        order = rng.permutation(len(x))
        total = 0.0
        for i in range(len(x) // args.batch):
            ids = order[i * args.batch:(i + 1) * args.batch]
            loss = loss_of(net(tensor(x[ids])), torch.from_numpy(y[ids]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} loss {total / (len(x) // args.batch):.4f} "
              f"held-out MNIST {100 * accuracy(net, held, held_labels):.2f}% {time.time() - begin:.0f} s",
              flush=True)
        torch.save(net.state_dict(), args.out)


if __name__ == "__main__":
    main()
