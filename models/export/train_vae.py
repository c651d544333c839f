"""Trains the autoencoder of digit images in fp32 and exports it."""

import json

import torch
import vae_nets
import vae_training


def facts(net, losses: dict) -> dict:
    return {
        "name": "vae",
        "task": "autoencoding",
        "inputs": {"image": ["batch", vae_nets.PIXELS], "noise": ["batch", vae_nets.LATENT]},
        "outputs": {
            "reconstruction": ["batch", vae_nets.PIXELS],
            "mu": ["batch", vae_nets.LATENT],
            "logvar": ["batch", vae_nets.LATENT],
        },
        "input_scale": 1 / 255,
        "noise": "digits_noise",
        "noise_scale": vae_training.NOISE_STEP,
        "evaluation": "digits_images",
        "calibration": "digits_images_calibration",
        "metric": "elbo_loss",
        "opset": vae_training.OPSET,
        "parameters": sum(p.numel() for p in net.parameters()),
        "expected": round(losses["bundled"], 3),
        "real": {"mnist_held_out_elbo_loss": round(losses["held_out_mnist"], 3)},
    }


def main():
    parser = vae_training.arguments(__doc__)
    parser.add_argument("--out", required=True, help="the checkpoint")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    net = vae_nets.Vae()
    losses = vae_training.train(net, args, net.parameters())
    torch.save(net.state_dict(), args.out)
    folder = args.models / "vae"
    vae_training.export(net, folder / "vae.onnx")
    (folder / "model.json").write_text(json.dumps(facts(net, losses), indent=2) + "\n")


if __name__ == "__main__":
    main()
