"""The page of `octet report` in headless Chromium, in both colour schemes: every plot has axes with units and a
legend, and all of that can be read. Exits with 77 where Chromium is absent.

    python tests/cli/page_browser_test.py PROGRAM MODELS
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BROWSERS = ("chromium", "chromium-headless-shell")
SKIPPED = 77
SCHEMES = {"dark": 0, "light": 1}  # As --blink-settings=preferredColorScheme counts.

# What the browser made of the page, as JSON in its last element.
PROBE = """<script>
const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
const style = (e, what) => getComputedStyle(e)[what];
const plots = [...document.querySelectorAll(".plots figure")].map(figure => {
  figure.style.contentVisibility = "visible";
  const svg = figure.querySelector("svg");
  return {
    title: figure.querySelector("figcaption").textContent,
    frame: box(svg),
    texts: [...svg.querySelectorAll("text")].map(text => ({
      text: text.textContent, box: box(text), colour: style(text, "color"),
      turned: !text.getAttribute("transform").startsWith("rotate(0"),
      pixels: parseFloat(style(text, "fontSize")) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
    })),
    lines: [...svg.querySelectorAll("path")].map(line => style(line, "stroke"))
      .filter((stroke, i, all) => stroke !== style(svg, "color") && all.indexOf(stroke) === i),
    keys: [...figure.querySelectorAll(".key")].map(key => ({
      text: key.textContent, box: box(key), colour: style(key, "color"),
      swatch: style(key.querySelector(".swatch"), "backgroundColor"), swatch_box: box(key.querySelector(".swatch")),
    })),
  };
});
const said = document.createElement("pre");
said.id = "probe";
said.textContent = JSON.stringify({
  plots, back: style(document.body, "backgroundColor"), fore: style(document.body, "color"),
  wider: document.documentElement.scrollWidth - innerWidth,
  fetched: performance.getEntriesByType("resource").length,
});
document.body.append(said);
</script>"""


def browser():
    return next((found for found in map(shutil.which, BROWSERS) if found), None)


def open_page(page, scheme, width):
    """What PROBE says of the page."""
    with tempfile.TemporaryDirectory() as home:
        probed = pathlib.Path(home) / "page.html"
        probed.write_text(page.read_text() + PROBE)
        command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += [f"--user-data-dir={home}/profile", f"--window-size={width},900"]
        command += [f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", probed.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, HOME=home))
    said = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    if said is None:
        raise AssertionError(done.stderr)
    return json.loads(said[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def luminance(colour):
    """Relative luminance of "rgb(r, g, b)" (WCAG 2.2)."""
    channels = [int(c) / 255 for c in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def inside(a, b, slack=1):
    return a[0] >= b[0] - slack and a[1] >= b[1] - slack and a[2] <= b[2] + slack and a[3] <= b[3] + slack


def write_meter(folder):
    """A powercap tree, so that there is energy to plot."""
    zone = folder / "intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in (("name", "package-0"), ("energy_uj", "5000000"), ("max_energy_range_uj", "262143328850")):
        (zone / name).write_text(text + "\n")


def make_page(folder):
    program, models = sys.argv[1], pathlib.Path(sys.argv[2])
    write_meter(folder / "powercap")
    float_model, int8 = models / "digits_mlp" / "digits_mlp.onnx", folder / "digits_mlp.int8.onnx"
    peer = {"engine": "Another engine, fp32", "model": "digits_mlp.onnx", "sweep": "batch", "threads": 1}
    rows = [dict(peer, value=batch, p50_ms=0.02 * batch + 0.05) for batch in (1, 8, 64, 200)]
    (folder / "peers.json").write_text(json.dumps(rows))
    settings = dict(os.environ, OCTET_POWERCAP=str(folder / "powercap"))
    for command in (
        ["quantize", float_model, "-o", int8, "--mode", "dynamic", "--cost-model", "off"],
        ["report", float_model, int8, "-o", folder / "page.html", "--seconds", "0.05", "--threads", "1"]
        + ["--sweep", "batch=1,8,64,200", "--sweep", "threads=1,2", "--peers", folder / "peers.json"],
    ):
        subprocess.run([program, *map(str, command)], check=True, capture_output=True, env=settings)
    return folder / "page.html"


def make_overview(folder):
    """A page over two models, one of them with energy."""
    rows = [
        {"title": title, "form": form, "sweep": sweep, "value": value, "p50_ms": ms * value, "model_bytes": 4e6}
        | ({"joules": 1e-4 * value} if title == "ResNet18" else {})
        for title, sweep, values in (("ResNet18", "side", (160, 224, 288)), ("BERT base", "sequence", (16, 64, 256)))
        for value in values
        for form, ms in (("fp32", 0.09), ("int8", 0.031))
    ]
    (folder / "rows.json").write_text(json.dumps(rows))
    command = ["report", "--rows", folder / "rows.json", "-o", folder / "page.html"]
    subprocess.run([sys.argv[1], *map(str, command)], check=True, capture_output=True)
    return folder / "page.html"


class PageTest(unittest.TestCase):
    make = staticmethod(make_page)
    plot_count = 8  # Four measures of two sweeps.
    forms = {"digits_mlp.onnx", "digits_mlp.int8.onnx"}

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls._folder.cleanup)
        page = cls.make(pathlib.Path(cls._folder.name))
        cls.seen = {(scheme, width): open_page(page, scheme, width) for scheme in SCHEMES for width in (1180, 500)}

    def plots(self):
        return [(seen, plot) for seen in self.seen.values() for plot in seen["plots"]]

    def test_it_follows_the_scheme_and_fits_the_window_and_fetches_nothing(self):
        for (scheme, width), seen in self.seen.items():
            with self.subTest(scheme=scheme, width=width):
                self.assertEqual(luminance(seen["back"]) < luminance(seen["fore"]), scheme == "dark")
                self.assertGreater(contrast(seen["back"], seen["fore"]), 7)
                self.assertLessEqual(seen["wider"], 0)
                self.assertEqual(seen["fetched"], 0)
                self.assertEqual(len(seen["plots"]), self.plot_count)

    def test_axes_have_units_and_texts_can_be_read(self):
        for seen, plot in self.plots():
            texts = plot["texts"]
            self.assertTrue(any(t["turned"] and re.search(r"\b(ms|MB|mJ)\b", t["text"]) for t in texts), texts)
            self.assertTrue(any(t["text"] == plot["title"].split(" over ")[1] for t in texts), texts)
            for i, text in enumerate(texts):
                self.assertTrue(inside(text["box"], plot["frame"]), text)
                self.assertGreater(contrast(text["colour"], seen["back"]), 4.5)
                clash = [t["text"] for t in texts[:i] if overlap(t["box"], text["box"])]
                self.assertEqual(clash, [], text["text"])

    def test_texts_are_large_enough_on_a_desktop(self):
        for plot in self.seen[("light", 1180)]["plots"]:
            self.assertGreaterEqual(min(text["pixels"] for text in plot["texts"]), 11)

    def test_the_legend_names_every_line_in_its_colour(self):
        for seen, plot in self.plots():
            keys = plot["keys"]
            named = {key["text"] for key in keys}
            self.assertLessEqual(self.forms, named)
            if plot["title"] == "Latency over batch":
                self.assertIn("Another engine, fp32: digits_mlp.onnx", named)
            self.assertEqual(sorted(key["swatch"] for key in keys), sorted(plot["lines"]))
            for i, key in enumerate(keys):
                left, top, right, bottom = key["swatch_box"]
                self.assertGreaterEqual(min(right - left, 3 * (bottom - top)), 10)
                self.assertGreater(contrast(key["swatch"], seen["back"]), 3)
                self.assertGreater(contrast(key["colour"], seen["back"]), 4.5)
                self.assertFalse(any(overlap(key["box"], other["box"]) for other in keys[:i]), key["text"])


class OverviewTest(PageTest):
    make = staticmethod(make_overview)
    plot_count = 3  # Two of latency, one of energy.
    forms = {"fp32", "int8"}


if __name__ == "__main__":
    if browser() is None:
        print(f"skipped: none of {', '.join(BROWSERS)} is installed")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1])
