"""What the model can say of a token: one of LABELS, at which place in it (BIOES), or nothing.

Begin, Inside, End and Single keep neighbours of one kind apart and make boundaries sharp. `OTHER` is what looks like a name and is none that we report
(products, works, events); it is learnt so that it is not taken for one.
"""

LABELS = (
    "person", "organisation", "location", "address", "date", "age", "username", "nationality", "job_title", "medical", "id_number", "other",
)  # fmt: skip
OTHER = "other"
BEGIN, INSIDE, END, SINGLE = range(4)
OUTSIDE = 0
TAGS = 1 + 4 * len(LABELS)
"""Tag 0 is outside; label i has the tags 1+4i (begin), 2+4i (inside), 3+4i (end) and 4+4i (single)."""


def tag(label: str, place: int) -> int:
    return 1 + 4 * LABELS.index(label) + place


def label_of(tag: int) -> str:
    return LABELS[(tag - 1) // 4]


def spans(tags: list[int]) -> list[tuple[int, int, str]]:
    """(first token, token after the last, label) of a valid sequence."""
    found, begin = [], 0
    for index, each in enumerate(tags):
        if each == OUTSIDE:
            continue
        place = (each - 1) % 4
        if place in (BEGIN, SINGLE):
            begin = index
        if place in (END, SINGLE):
            found.append((begin, index + 1, label_of(each)))
    return found
