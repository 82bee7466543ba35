#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it takes to switch one PCI function's memory decoding off or on, by how many functions there are, on
Holdfast and on Debian's QEMU by turns, and the curve as a plot.

    bench/decode.py build/bench/holdfast/app/holdfast [--rounds 3] [--plot docs/decode.svg] [functions...]

The guest (guests/decode.c) does it 1,000 times and looks each time whether the function's memory is there.
Functions are pci-testdev, mapped, decoding and bus masters: 200 on the root bus, the others by 200 behind bridges.
"""
import argparse
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

import beside

COUNTS = (1, 10, 100, 1000)
TOGGLES = 1000
ON_A_BUS = 200
LIMIT = 300  # seconds


def devices(count):
    """-device for each function, and for each bridge that has some of them behind it."""
    words = []
    for number in range(count):
        group, place = divmod(number, ON_A_BUS)
        if group and not place:
            words += ["-device", f"pci-bridge,id=bridge{group},chassis_nr={group},bus=pcie.0,addr={0x1a + group - 1:#x}"]
        bus = f"bridge{group}" if group else "pcie.0"
        words += ["-device", f"pci-testdev,bus={bus},addr={place // 8 + 1:#x}.{place % 8},multifunction=on"]
    return words


def toggle(program, folder, count):
    """Microseconds of one, by the guest's clock."""
    elf = beside.build(folder, "decode.c", f"-DFUNCTIONS={count}", f"-DTOGGLES={TOGGLES}")
    command = [program, "-M", "virt", "-m", "64M", "-nographic", "-bios", "none", "-kernel", str(elf), *devices(count)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=LIMIT, check=False)
    if done.returncode != 0:
        sys.exit(f"{program}, {count} functions: status {done.returncode}\n{done.stdout}")
    return int(done.stdout.split()[-1]) / 1e3


class Plot:
    """Both axes logarithmic; a line through medians, with the spread of each as a bar."""

    WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 700, 400, 100, 150, 20, 60
    COLOURS = {"holdfast": "#0b6e4f", "qemu": "#b5460f"}

    def __init__(self, curves):
        self.curves = curves
        values = [value for curve in curves.values() for spread in curve.values() for value in spread]
        counts = [count for curve in curves.values() for count in curve]
        self.counts = sorted(set(counts))
        self.x_range = (math.log10(min(counts)), max(math.log10(max(counts)), math.log10(min(counts)) + 1))
        self.y_range = (math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))))

    def x(self, count):
        low, high = self.x_range
        return self.LEFT + (math.log10(count) - low) / (high - low) * (self.WIDTH - self.LEFT - self.RIGHT)

    def y(self, value):
        low, high = self.y_range
        return self.HEIGHT - self.BOTTOM - (math.log10(value) - low) / (high - low) * (
            self.HEIGHT - self.TOP - self.BOTTOM)

    def text(self, x, y, words, anchor="middle", more=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{words}</text>'

    def axes(self):
        right, bottom = self.WIDTH - self.RIGHT, self.HEIGHT - self.BOTTOM
        for power in range(self.y_range[0], self.y_range[1] + 1):
            y = self.y(10 ** power)
            yield f'<line x1="{self.LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>'
            yield self.text(self.LEFT - 8, y + 4, f"{10 ** power:,g} \u00b5s", "end")
        for count in self.counts:
            yield f'<line x1="{self.x(count):.1f}" x2="{self.x(count):.1f}" y1="{bottom}" y2="{bottom + 5}" stroke="#333"/>'
            yield self.text(self.x(count), bottom + 20, f"{count:,}")
        yield self.text((self.LEFT + right) / 2, self.HEIGHT - 15, "PCI functions in the machine")
        middle = (self.TOP + bottom) / 2
        yield self.text(16, middle, "one toggle of memory decoding", more=f' transform="rotate(-90 16 {middle})"')

    def curve(self, name):
        colour = self.COLOURS.get(name, "#333")
        medians = {count: statistics.median(values) for count, values in sorted(self.curves[name].items())}
        points = " ".join(f"{self.x(count):.1f},{self.y(median):.1f}" for count, median in medians.items())
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for count, median in medians.items():
            values = self.curves[name][count]
            yield (f'<line x1="{self.x(count):.1f}" x2="{self.x(count):.1f}" y1="{self.y(min(values)):.1f}"'
                   f' y2="{self.y(max(values)):.1f}" stroke="{colour}"/>')
            yield f'<circle cx="{self.x(count):.1f}" cy="{self.y(median):.1f}" r="3.5" fill="{colour}"/>'
        last, median = list(medians.items())[-1]
        yield self.text(self.x(last) + 8, self.y(median) + 4, f"{name} {median:,.{0 if median >= 100 else 1}f} \u00b5s", "start",
                        f' fill="{colour}"')

    def svg(self):
        parts = [*self.axes(), *(part for name in self.curves for part in self.curve(name))]
        return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.WIDTH} {self.HEIGHT}"'
                          ' font-family="sans-serif" font-size="13">',
                          f'<rect width="{self.WIDTH}" height="{self.HEIGHT}" fill="#fff"/>', *parts, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holdfast")
    parser.add_argument("functions", nargs="*", type=int, help="how many; 1, 10, 100 and 1,000 if nothing is said")
    parser.add_argument("--peer", default=beside.PEER)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plot", type=pathlib.Path, help="where the curve is drawn, as SVG")
    args = parser.parse_intermixed_args()
    beside.state()
    programs = {"holdfast": args.holdfast, "qemu": args.peer}
    curves = {name: {} for name in programs}
    with tempfile.TemporaryDirectory() as folder:
        for count in args.functions or COUNTS:
            found = beside.by_turns(programs, args.rounds, lambda program: toggle(program, folder, count))
            beside.show(f"{count} functions", "us", found, width=16)
            for name, values in found.items():
                curves[name][count] = values
    if args.plot:
        args.plot.write_text(Plot(curves).svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
