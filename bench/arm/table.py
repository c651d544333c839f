"""Tables as text or Markdown."""


def print_table(rows, markdown):
    """rows[0] holds the heads; every row has as many cells, all of them text."""
    if markdown:
        for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]]:
            print("| " + " | ".join(row) + " |")
        return
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)))
