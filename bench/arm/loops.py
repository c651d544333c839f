#!/usr/bin/env python3
"""Inner loops of the ARM kernels through llvm-mca: multiply-accumulates a cycle on each core's model.

Every figure is modelled, none is measured. A loop is cut out of the kernel's own assembly: the
shortest innermost loop of the named function with so many multiplications; of a single row, the one that loads
most, since several rows multiply what is loaded once. `limit` is what the core's multipliers
alone would do: the loop's multiplications (with the additions of pairs that belong to smull), free
of dependences, loads and addresses.
"""
import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from table import print_table

ROOT = Path(__file__).resolve().parents[2]
CORES = ["cortex-a53", "cortex-a55", "cortex-a72", "cortex-a76", "neoverse-n1", "neoverse-v1"]
DOT_CORES = CORES[1:2] + CORES[3:]
FLAGS = ("-std=c++20 -O2 -DNDEBUG -fPIC -ffp-contract=off -fvisibility=hidden "
         "-fno-devirtualize-speculatively -fno-schedule-insns -fno-tree-ter").split()
# Multiply-accumulates of an instruction, by its name and the form of its result.
MACS = {("smull", "8h"): 8, ("smull2", "8h"): 8, ("smlal", "8h"): 8, ("smlal2", "8h"): 8,
        ("smlal", "4s"): 4, ("smlal2", "4s"): 4, ("sdot", "4s"): 16, ("smmla", "4s"): 32,
        ("fmla", "4s"): 4}
NEON, DOT, I8MM = [], ["-march=armv8.2-a+dotprod"], ["-march=armv8.2-a+dotprod+i8mm"]
ALL, WITH_DOT, WITH_I8MM = CORES, DOT_CORES, ["neoverse-v1"]
# (job, file, flags, cores, pattern of the demangled function, multiplications of the loop, those
# that make one multiply-accumulate): sdot and smmla multiply an s16 state of a recurrence as two bytes, and
# half of what smmla does for the s8 state of a single row is done twice; without them a product of s16 makes
# two (kernels/rnn_s8/pairs_neon.inl), as it makes four in a tile of Winograd's.
LOOPS = [
    ("GEMM fp32, 6 rows", "gemm_f32/neon", NEON, ALL, "FloatRows, 6,", 96, 1),
    ("GEMM int8, neon, 3 rows", "gemm_s8/neon", NEON, ALL, "multiply_(panel<false, 3>|columns<false, 3, 8>)", 384, 1),
    ("GEMM int8, neondot, 8 rows", "gemm_s8/neondot", DOT, WITH_DOT, "multiply_vectors<8,", 1024, 1),
    ("GEMM int8, i8mm, 8 rows", "gemm_s8/i8mm", I8MM, WITH_I8MM, "multiply_pairs<4,", 1024, 1),
    ("one row fp32", "gemm_f32/neon", NEON, ALL, "FloatRows, 1, 1, 4", 64, 1),
    ("one row int8, neon", "gemm_s8/neon", NEON, ALL, "multiply_panel<false, 1>", 256, 1),
    ("one row int8, neondot", "gemm_s8/neondot", DOT, WITH_DOT, "multiply_tile", 256, 1),
    ("one row int8, i8mm", "gemm_s8/i8mm", I8MM, WITH_I8MM, "multiply_tile", 128, 1),
    ("LSTM fp32, one row", "rnn_f32/neon", NEON, ALL, "sums<1ul, [12]ul, 4ul>|lstm_step", 32, 1),
    ("LSTM int8 x s16, neon, one row", "rnn_s8/neon", NEON, ALL, "(?=.*PairDots).*lstm_step", 192, 0.5),
    ("LSTM int8 x s16, neondot, one row", "rnn_s8/neondot", DOT, WITH_DOT, "(?=.*RnnWords).*lstm_step", 1024, 2),
    ("LSTM int8 x s16, i8mm, one row", "rnn_s8/i8mm", I8MM, WITH_I8MM, "(?=.*RnnWords).*lstm_step", 512, 2),
    ("LSTM int8 x s8, neon, one row", "rnn_s8/neon", NEON, ALL, "(?=.*ByteDots).*lstm_step", 512, 1),
    ("LSTM int8 x s8, neondot, one row", "rnn_s8/neondot", DOT, WITH_DOT, "(?=.*RnnBytes).*lstm_step", 512, 1),
    ("LSTM int8 x s8, i8mm, one row", "rnn_s8/i8mm", I8MM, WITH_I8MM, "(?=.*RnnBytes).*lstm_step", 512, 2),
    ("3x3 convolution int8, neon", "winograd_s8/neon", NEON, ALL, "multiply_tile<6>", 768, 0.25),
    ("depthwise fp32", "depthwise_f32/neon", NEON, ALL, "convolve", 64, 1),
    ("depthwise int8, neon", "depthwise_s8/neon", NEON, ALL, "outputs<\d, 1ul>|run_block", 64, 1),
    ("depthwise int8, neondot", "depthwise_s8/neondot", DOT, WITH_DOT, "outputs<4, 1ul>|run_block", 256, 1),
]
# Loops of XNNPACK for the jobs above it: (job, file, cores).
PEER_LOOPS = [
    ("XNNPACK GEMM fp32, 6 rows", "f32-gemm/gen/f32-gemm-6x8-minmax-asm-aarch64-neonfma-cortex-a75", ALL),
    ("XNNPACK GEMM fp32, 6 rows, for A53", "f32-gemm/gen/f32-gemm-6x8-minmax-asm-aarch64-neonfma-cortex-a53", ALL),
    ("XNNPACK GEMM int8, neon, 2 rows", "qs8-qc8w-gemm/gen/qs8-qc8w-gemm-2x8c8-minmax-fp32-asm-aarch64-neon-mlal", ALL),
    ("XNNPACK GEMM int8, neon, 2 rows, for A53",
     "qs8-qc8w-gemm/gen/qs8-qc8w-gemm-2x8c8-minmax-fp32-asm-aarch64-neon-mlal-cortex-a53", ALL),
    ("XNNPACK GEMM int8, neondot, 4 rows",
     "qs8-qc8w-gemm/gen/qs8-qc8w-gemm-4x16c4-minmax-fp32-asm-aarch64-neondot-ld128", WITH_DOT),
    ("XNNPACK GEMM int8, neondot, 4 rows, for A55",
     "qs8-qc8w-gemm/gen/qs8-qc8w-gemm-4x16c4-minmax-fp32-asm-aarch64-neondot-cortex-a55", WITH_DOT),
    ("XNNPACK one row fp32", "f32-gemm/gen/f32-gemm-1x8-minmax-asm-aarch64-neonfma-cortex-a75", ALL),
    ("XNNPACK one row int8, neon", "qs8-qc8w-gemm/gen/qs8-qc8w-gemm-1x8c8-minmax-fp32-asm-aarch64-neon-mlal", ALL),
    ("XNNPACK one row int8, neondot",
     "qs8-qc8w-gemm/gen/qs8-qc8w-gemm-1x16c4-minmax-fp32-asm-aarch64-neondot-ld64", WITH_DOT),
]


def assembly(source, flags):
    command = ["aarch64-linux-gnu-g++", *FLAGS, *flags, f"-I{ROOT}", "-S", "-o", "-",
               str(ROOT / "kernels" / f"{source}.cpp")]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return subprocess.run(["c++filt"], check=True, input=text, capture_output=True, text=True).stdout


def macs(lines):
    total = 0
    for line in lines:
        match = re.match(r"(\w+)\s+v\d+\.(\w+)", line)
        if match:
            total += MACS.get(match.groups(), 0)
    return total


def innermost_loops(text):
    """(function, instructions) of every loop without a label inside."""
    function, labels, lines = "", {}, []
    for line in text.split("\n"):
        local = re.match(r"(\.L\w+):", line)
        if local:
            labels[local.group(1)] = len(lines)
            continue
        if re.match(r"\S.*:$", line) and not line.startswith("."):
            function, labels, lines = line[:-1], {}, []
            continue
        if not line.startswith("\t") or line.startswith("\t."):
            continue
        lines.append(line.strip())
        branch = re.match(r"(?:b\.?\w*|cbn?z\s+\w+,|tbn?z\s+\w+, #?\d+,)\s+(\.L\w+)$", lines[-1])
        if branch and branch.group(1) in labels:
            begin = labels[branch.group(1)]
            if not any(begin < at < len(lines) for at in labels.values()):
                yield function, lines[begin:]


def loaded(loop):
    """How many registers of vectors a loop loads."""
    return sum(2 if re.match(r"ldp\s+q", line) else 1 for line in loop if re.match(r"ld\w+\s+[qv{]", line))


def peer_loop(sources, name):
    """The innermost loop with most multiply-accumulates of XNNPACK's assembly NAME."""
    with tempfile.NamedTemporaryFile(suffix=".o") as out:
        subprocess.run(["aarch64-linux-gnu-gcc", *I8MM, f"-I{sources}", "-c", "-o", out.name,
                        f"{sources}/src/{name}.S"], check=True)
        text = subprocess.run(["aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", out.name], check=True,
                              capture_output=True, text=True).stdout
    lines = [(int(at, 16), what) for at, what in re.findall(r"^\s*([0-9a-f]+):\t(.*)$", text, re.M)]
    places = {at: i for i, (at, _) in enumerate(lines)}
    loops = []
    for i, (at, what) in enumerate(lines):
        branch = re.match(r"b\.\w+\s+([0-9a-f]+)", what)
        if branch and int(branch.group(1), 16) < at:
            loops.append([re.sub(r"\s+//.*", "", w).replace("\t", " ")
                          for _, w in lines[places[int(branch.group(1), 16)]:i + 1]])
    return max(loops, key=macs)


def cycles(instructions, core, repeat=100):
    """Modelled cycles of one pass."""
    body = "\n".join(re.sub(r"\s*//.*", "", i) for i in instructions if not re.match(r"b|cbn?z|tbn?z", i))
    command = ["llvm-mca-19", "-mtriple=aarch64", f"-mcpu={core}", "-mattr=+dotprod,+i8mm",
               f"-iterations={repeat}", "-instruction-info=false", "-resource-pressure=false"]
    out = subprocess.run(command, check=True, input=body, capture_output=True, text=True).stdout
    return int(re.search(r"Total Cycles:\s+(\d+)", out).group(1)) / repeat


def limit_cycles(instructions, core):
    """Cycles of the loop's multiplications alone, each on registers of its own."""
    counts = Counter()
    for line in instructions:
        match = re.match(r"(\w+)\s+v\d+\.(\w+), v\d+\.(\w+)(?:, v\d+\.(\w+))?", line)
        if not match:
            continue
        name, to, first, second = match.groups()
        if MACS.get((name, to)) or name == "sadalp":
            counts[(name, to, first, second)] += 1
    body = []
    for (name, to, first, second), count in counts.items():
        for _ in range(count):
            v = f"v{8 + len(body) % 24}"
            element = "[1]" if second in ("h", "s", "4b") else ""
            operand = f", v1.{second}{element}" if second else ""
            body.append(f"{name} {v}.{to}, v0.{first}{operand}")
    # Accumulation from pass to pass stays: 24 registers are more than any latency asks for.
    return cycles(body, core)


def row(job, loop, cores, count, worth):
    """Of `count` multiplications, `worth` of which make one multiply-accumulate."""
    cells = []
    for core in CORES:
        if core not in cores:
            cells.append("")
            continue
        rate, limit = count / cycles(loop, core), count / limit_cycles(loop, core)
        cells.append(f"{rate / worth:.1f} ({rate / limit:.0%})")
    print(job, file=sys.stderr)
    return [job, f"{len(loop)} / {count / worth:.0f}", *cells]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--list", metavar="FILE", help="print FILE's loops, as gemm_s8/neon")
    arguments.add_argument("--markdown", action="store_true")
    arguments.add_argument("--xnnpack", metavar="DIR", help="XNNPACK's sources: its loops, too")
    options = arguments.parse_args()
    if options.list:
        flags = I8MM if "i8mm" in options.list else DOT if "neondot" in options.list else NEON
        for function, loop in innermost_loops(assembly(options.list, flags)):
            if macs(loop):
                print(macs(loop), len(loop), function[:150])
        return 0
    rows = [["MACs a cycle (share of the multipliers' limit)", "instructions / MACs", *CORES]]
    texts = {}
    for job, source, flags, cores, pattern, count, worth in LOOPS:
        if source not in texts:
            texts[source] = list(innermost_loops(assembly(source, flags)))
        loops = [l for f, l in texts[source] if re.search(pattern, f) and macs(l) == count]
        if not loops:
            print(f"{job}: no such loop in {source}", file=sys.stderr)
            return 1
        loop = max(loops, key=loaded) if "one row" in job else min(loops, key=len)
        rows.append(row(job, loop, cores, count, worth))
    for job, name, cores in PEER_LOOPS if options.xnnpack else []:
        loop = peer_loop(options.xnnpack, name)
        rows.append(row(job, loop, cores, macs(loop), 1))
    print_table(rows, options.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
