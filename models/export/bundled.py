"""The bundled models' sets as samples, and what a sample's outputs add to the model's metric."""

import collections
import json
import math
import os

import ctc
import numpy as np

# inputs: arrays by name, without states; answer: what judges the outputs.
Sample = collections.namedtuple("Sample", "inputs answer")


def read_facts(models, name: str) -> dict:
    with open(os.path.join(models, name, "model.json")) as file:
        return json.load(file)


def names(models) -> list:
    return sorted(n for n in os.listdir(models) if os.path.exists(os.path.join(models, n, "model.json")))


def read_arrays(models, name: str) -> dict:
    with np.load(os.path.join(models, "eval", name + ".npz")) as arrays:
        return dict(arrays)


def scaled_images(facts, pixels):
    return pixels[:, None, None].astype(np.float32) * np.float32(facts["input_scale"])


def images(facts, arrays, models):
    pixels = scaled_images(facts, arrays["images"])
    return [Sample({facts["input"]: x}, int(label)) for x, label in zip(pixels, arrays["labels"])]


def images_with_noise(facts, arrays, models):
    pixels = scaled_images(facts, arrays["images"]).reshape(len(arrays["images"]), 1, -1)
    noise = read_arrays(models, facts["noise"])["noise"].astype(np.float32) * np.float32(facts["noise_scale"])
    return [Sample({"image": x, "noise": row[None]}, x) for x, row in zip(pixels, noise)]


def utterances(facts, arrays, models):
    frames = arrays["features"].astype(np.float32) * arrays["scale"][0] + arrays["offset"][0]
    ends, label_ends = np.cumsum(arrays["lengths"]), np.cumsum(arrays["label_lengths"])
    return [
        Sample({facts["input"]: frames[end - count : end][None]}, arrays["labels"][last - words : last].tolist())
        for end, count, last, words in zip(ends, arrays["lengths"], label_ends, arrays["label_lengths"])
    ]


def texts(facts, arrays, models):
    ids = arrays["pieces"].astype(np.int64)[:, None]
    masks = (np.arange(ids.shape[2]) < arrays["lengths"][:, None, None]).astype(np.int64)
    return [
        Sample({"input_ids": x, "attention_mask": mask, "token_type_ids": np.zeros_like(x)}, int(label))
        for x, mask, label in zip(ids, masks, arrays["labels"])
    ]


def stretches(facts, arrays, models):
    words = arrays["words"].astype(np.int64)
    starts = range(0, len(words) - 1, facts["stretch"])
    pairs = [(words[i : i + facts["stretch"]], words[i + 1 : i + 1 + facts["stretch"]]) for i in starts]
    return [Sample({"tokens": text[None, : len(after)]}, after) for text, after in pairs]


READERS = {
    "classification": images,
    "autoencoding": images_with_noise,
    "ctc": utterances,
    "text_classification": texts,
    "language_model": stretches,
}


def read_set(facts, models, which: str = "evaluation") -> list:
    return READERS[facts["task"]](facts, read_arrays(models, facts[which]), models)


def first_states(facts) -> dict:
    shapes = {name: facts["inputs"][name] for name in facts.get("states", {})}
    return {n: np.zeros([1 if d == "batch" else d for d in shape], np.float32) for n, shape in shapes.items()}


def with_states(facts, samples, run):
    """Yields (all inputs, outputs) of each sample: run(inputs) gives the outputs by name."""
    states, carried = facts.get("states", {}), first_states(facts)
    for sample in samples:
        inputs = {**sample.inputs, **carried}
        outputs = run(inputs)
        carried = {n: outputs[source] for n, source in states.items()}
        yield inputs, outputs


def hit(facts, sample, outputs):
    return float(outputs["logits"].argmax() == sample.answer), 1


def word_errors(facts, sample, outputs):
    hypothesis = ctc.greedy(outputs[facts["output"]][0], facts["blank"])
    return ctc.edit_distance(hypothesis, sample.answer), len(sample.answer)


def evidence(facts, sample, outputs):
    """The loss of vae_nets.py, in double precision."""
    image, p = sample.answer.astype(np.float64), outputs["reconstruction"].astype(np.float64)
    mu, logvar = outputs["mu"].astype(np.float64), outputs["logvar"].astype(np.float64)
    with np.errstate(divide="ignore"):
        kept, left = np.maximum(np.log(p), -100), np.maximum(np.log(1 - p), -100)
    cross_entropy = -(image * kept + (1 - image) * left).sum()
    return cross_entropy - 0.5 * (1 + logvar - mu**2 - np.exp(logvar)).sum(), 1


def surprise(facts, sample, outputs):
    logits = outputs["logits"][0].astype(np.float64)
    largest = logits.max(1, keepdims=True)
    mass = np.log(np.exp(logits - largest).sum(1)) + largest[:, 0]
    return (mass - logits[np.arange(len(logits)), sample.answer]).sum(), len(logits)


PARTS = {"accuracy": hit, "word_error_rate": word_errors, "elbo_loss": evidence, "perplexity": surprise}


def parts(facts, samples, run):
    """[n, 2]: the sum and the count that each sample adds to the metric."""
    outputs = (outputs for _, outputs in with_states(facts, samples, run))
    return np.array([PARTS[facts["metric"]](facts, s, o) for s, o in zip(samples, outputs)], np.float64)


def metric(facts, pairs) -> float:
    """Of parts()'s result, in model.json's unit."""
    mean = pairs[:, 0].sum() / pairs[:, 1].sum()
    return math.exp(mean) if facts["metric"] == "perplexity" else mean
