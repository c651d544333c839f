"""Training, measuring and exporting what all forms of the autoencoder share."""

import argparse
import json
import os
import pathlib
import time

import images
import numpy as np
import torch
import train_digits
import vae_nets

BATCH = 128
OPSET = 13
NOISE_STEP = 1 / 32


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--real-data", required=True, help="folder that holds mnist/")
    parser.add_argument("--cache", required=True, help="npz of training images; made if missing")
    parser.add_argument("--rendered", type=int, default=15000)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--models", type=pathlib.Path, required=True, help="the models/ folder")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seed", type=int, default=3)
    return parser


def fine_tuning_arguments(description: str) -> argparse.ArgumentParser:
    parser = arguments(description)
    parser.add_argument("--bits", type=int, choices=[8, 4], required=True)
    parser.add_argument("--start", required=True, help="checkpoint of train_vae.py")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the export")
    return parser


def flat(pixels):
    return torch.from_numpy(pixels.reshape(len(pixels), -1).astype(np.float32) / 255)


def read_sets(args) -> dict:
    """The images that measure() takes: the bundled set, and MNIST images kept out of training."""
    with np.load(args.models / "eval" / "digits_images.npz") as arrays:
        bundled = arrays["images"]
    with np.load(args.models / "eval" / "digits_noise.npz") as arrays:
        noise = arrays["noise"].astype(np.float32) * NOISE_STEP
    held_out = images.read_mnist(os.path.join(args.real_data, "mnist"))[0][images.HELD_OUT_FROM :]
    return {
        "bundled": (flat(bundled), torch.from_numpy(noise)),
        "held_out_mnist": (flat(held_out), torch.from_numpy(noise[: len(held_out)])),
    }


@torch.no_grad()
def measure(net, sets: dict) -> dict:
    net.eval()
    losses = {
        name: float(vae_nets.loss_per_image(net(image, noise), image))
        for name, (image, noise) in sets.items()
    }
    net.train()
    return losses


def show(losses: dict) -> str:
    return "  ".join(f"{name} {loss:.2f}" for name, loss in losses.items())


def train(net, args, groups) -> dict:
    """Adam with a rate that rises and falls once; returns the losses of read_sets()."""
    x = train_digits.make_cache(args)[0]
    sets = read_sets(args)
    print("before:", show(measure(net, sets)), flush=True)
    batches = len(x) // BATCH
    optimizer = torch.optim.Adam(groups, lr=args.rate)
    rates = [group["lr"] for group in optimizer.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=args.epochs * batches, pct_start=0.15
    )
    rng = np.random.default_rng(args.seed)
    begin = time.time()
    for epoch in range(args.epochs):
        order = rng.permutation(len(x))
        total = 0.0
        for i in range(batches):
            image = flat(x[order[i * BATCH : (i + 1) * BATCH]])
            noise = torch.randn(len(image), vae_nets.LATENT)
            loss = vae_nets.loss_per_image(net(image, noise), image)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        losses = measure(net, sets)
        seconds = time.time() - begin
        print(f"{epoch + 1}: train {total / batches:.2f}  {show(losses)}  {seconds:.0f} s", flush=True)
    return losses


def sample_images(args, count: int = 2048):
    """Training images and noise, to set up quantizers with."""
    x = train_digits.make_cache(args)[0]
    rng = np.random.default_rng(args.seed)
    noise = torch.from_numpy(rng.standard_normal((count, vae_nets.LATENT)).astype(np.float32))
    return flat(x[rng.permutation(len(x))[:count]]), noise


def export(net, path: pathlib.Path) -> None:
    """Writes the graph: dynamic batch, inputs image and noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ["image", "noise"], ["reconstruction", "mu", "logvar"]
    net.eval()
    torch.onnx.export(
        net,
        (torch.rand(2, vae_nets.PIXELS), torch.randn(2, vae_nets.LATENT)),
        str(path),
        input_names=names[0],
        output_names=names[1],
        dynamic_axes={name: {0: "batch"} for name in names[0] + names[1]},
        opset_version=OPSET,
    )


def finish(net, path: pathlib.Path, losses: dict) -> None:
    """Exports a fine-tuned net, and notes its simulated losses beside it."""
    export(net, path)
    facts = {f"{name}_elbo_loss": round(loss, 4) for name, loss in losses.items()}
    path.with_suffix(".loss.json").write_text(json.dumps(facts) + "\n")
