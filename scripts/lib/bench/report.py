"""Figures as tables, and what they say about the goals."""


def verdict(met):
    return "not measured" if met is None else "met" if met else "missed"


def print_table(columns, rows):
    """`columns`: (title, format of a cell). Numbers to the right; None is an empty cell."""
    texts = [[spec.format(cell) if cell is not None else "" for (_, spec), cell in
              zip(columns, row)] for row in rows]
    titles = [title for title, _ in columns]
    widths = [max(map(len, column)) for column in zip(titles, *texts)]
    right = [any(isinstance(row[i], (int, float)) for row in rows) for i in range(len(columns))]
    for line in [titles, *texts]:
        cells = [cell.rjust(width) if to_right else cell.ljust(width)
                 for cell, width, to_right in zip(line, widths, right)]
        print("  ".join(cells).rstrip())
    print()
