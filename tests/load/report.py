"""The one table that a benchmark ends with, and the file with every raw number."""

import json
import pathlib
import time


class Report:
    def __init__(self):
        self.rows = []
        self.raw = {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z")}

    def add(self, what, measured, goal="", void=""):
        """A row; `void` says why it counts for nothing."""
        self.rows.append((what, measured, goal, f"VOID: {void}" if void else ""))

    def add_series(self, what, series, goal="", void=""):
        """chat-load's quantiles of one."""
        keys = ("p50_ms", "p99_ms", "p999_ms", "max_ms")
        text = " / ".join(f"{series[key]:.2f}" for key in keys) if series["count"] else "nothing came"
        self.add(what, text, goal, void)

    def add_counts(self, numbers, names, goal="", void=""):
        self.add("  " + ", ".join(names), ", ".join(str(numbers[name]) for name in names), goal, void)

    def keep(self, name, numbers):
        self.raw[name] = numbers

    def show(self):
        rows = [("what", "measured", "goal", ""), *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        print()
        for number, row in enumerate(rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            print("  ".join([*cells, row[3]]).rstrip())
            if number == 0:
                print("  ".join("-" * width for width in widths))

    def save(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / time.strftime("bench-%Y%m%d-%H%M%S.json")
        rows = [dict(zip(("what", "measured", "goal", "void"), row, strict=True)) for row in self.rows]
        file.write_text(json.dumps({**self.raw, "rows": rows}, indent=2) + "\n")
        return file
