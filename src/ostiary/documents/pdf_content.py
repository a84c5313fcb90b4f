"""The content of a page written anew (ISO 32000-1, 8 and 9): the glyphs that have to go are cut out of their strings, the rest of the line moves to where `pdf_marking` wants it, and what no reader sees goes with them.

A glyph goes where its origin is that of a character to be removed, or its middle stands under the box of one: characters decide, never spans. The same is done within form
XObjects, for each place where they stand. Marked content (ActualText, Alt, layers) is dissolved; layers that are off, and invisible text, are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

from ostiary.documents.document import Drawn, Limits
from ostiary.documents.libraries import library
from ostiary.documents.pdf_fonts import Font, font_of
from ostiary.documents.pdf_names import Renamed
from ostiary.documents.pdf_objects import is_array, is_dictionary
from ostiary.documents.pdf_pictures import filled
from ostiary.errors import DocumentTookTooLong

Matrix = tuple[float, float, float, float, float, float]
SAME: Matrix = (1, 0, 0, 1, 0, 0)
SAME_LINE = 0.3
ORIGIN_NEAR = 0.6
"""Points between two origins that are one: PDFium rounds."""
MIDDLE = 0.3
"""The middle of a glyph over its baseline, as a share of its size."""
OPERATIONS_MAX = 5_000_000
FORMS_DEEP_MAX = 24
CELL = 16.0
CLOSE = 1e-4
BUILDS_PATH = frozenset({"m", "l", "c", "v", "y", "re", "h"})
CLIPS = frozenset({"W", "W*"})
PAINTS_PATH = frozenset({"S", "s", "f", "F", "f*", "B", "B*", "b", "b*"})
MARKS = frozenset({"BMC", "BDC", "EMC", "MP", "DP"})
POSITIONS = frozenset({"Td", "TD", "T*", "Tm"})
SETS = frozenset({"w", "J", "j", "M", "d", "ri", "i", "gs", "q", "Q", "cm", "BT", "ET", "Tc", "Tw", "Tz", "TL", "Tf", "Tr", "Ts", "d0", "d1", "CS", "cs", "SC", "SCN", "sc", "scn", "G", "g", "RG", "rg", "K", "k", "sh", "n"})  # fmt: skip
"""Operators that go through as they are, with those of paths and places; a word that is none of them is somebody's text."""
SHOWS = frozenset({"Tj", "TJ", "'", '"'})


@dataclass(frozen=True, slots=True)
class Area:
    """One character to be removed: where its glyph begins (none for a word of a picture), and its box on the page."""

    left: float
    bottom: float
    right: float
    top: float
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """What stands between right and until on a line (its baseline) moves by so many points, since what stood between left and right has another width now."""

    line: float
    bottom: float
    top: float
    left: float
    right: float
    until: float
    by: float

    def moves(self, x: float, y: float) -> bool:
        near = SAME_LINE * (self.top - self.bottom)
        return abs(y - self.line) < near and self.right - ORIGIN_NEAR < x < self.until + ORIGIN_NEAR


class Areas:
    """The areas of a page, by cells of it. drawn: those that a person drew, out of which lines and shapes go as well."""

    def __init__(
        self, areas: Sequence[Area], drawn: Sequence[Drawn] = (), shifts: Sequence[Shift] = ()
    ) -> None:
        self.all, self.drawn, self.shifts = tuple(areas), tuple(drawn), tuple(shifts)
        self._cells: dict[tuple[int, int], list[Area]] = {}
        for area in areas:
            for across in range(int((area.left - 1) // CELL), int((area.right + 1) // CELL) + 1):
                for up in range(int((area.bottom - 4) // CELL), int((area.top + 4) // CELL) + 1):
                    self._cells.setdefault((across, up), []).append(area)

    def hold(self, origin: tuple[float, float], middle: tuple[float, float]) -> bool:
        for area in self._cells.get((int(middle[0] // CELL), int(middle[1] // CELL)), ()):
            if area.left <= middle[0] <= area.right and area.bottom <= middle[1] <= area.top:
                return True
        return any(
            area.x is not None and area.y is not None and abs(area.x - origin[0]) < ORIGIN_NEAR and abs(area.y - origin[1]) < ORIGIN_NEAR
            for area in self._cells.get((int(origin[0] // CELL), int(origin[1] // CELL)), ())
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """What q saves."""

    ctm: Matrix = SAME
    font: Font | None = None
    size: float = 0.0
    spacing: float = 0.0
    word: float = 0.0
    scale: float = 1.0
    leading: float = 0.0
    rise: float = 0.0
    mode: int = 0


@dataclass(slots=True)
class Work:
    """What is shared by all pages: the fonts, the layers that are off, and how much may still be done."""

    pdf: Any
    limits: Limits
    off: frozenset[tuple[int, int]]
    fonts: dict[tuple[int, int], Font] = field(default_factory=dict)
    left: int = OPERATIONS_MAX

    def font(self, given: Any) -> Font:
        key = given.objgen if given is not None else (0, 0)
        if key == (0, 0):
            return font_of(given)
        if key not in self.fonts:
            self.fonts[key] = font_of(given)
        return self.fonts[key]

    def is_off(self, layer: Any) -> bool:
        if layer is None:
            return False
        if layer.objgen in self.off:
            return True
        groups = layer.get("/OCGs")
        if groups is None:
            return False
        each = list(groups) if is_array(groups) else [groups]
        hidden = [group is not None and group.objgen in self.off for group in each]
        policy = str(layer.get("/P", "/AnyOn"))
        return bool(hidden) and (all(hidden) if policy == "/AnyOn" else any(hidden))


def times(first: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    g, h, i, j, k, l = then  # noqa: E741
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + l)


def moved(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    return (matrix[0] * x + matrix[2] * y + matrix[4], matrix[1] * x + matrix[3] * y + matrix[5])


def matrix_of(given: Any) -> Matrix:
    values = [float(each) for each in given] if given is not None else []
    return (values[0], values[1], values[2], values[3], values[4], values[5]) if len(values) == 6 else SAME


class Rewriter:
    """One content stream on its way through. `made` and `resources` are what it becomes."""

    def __init__(
        self,
        work: Work,
        areas: Areas,
        resources: Any,
        state: State,
        forms: tuple[tuple[int, int], ...] = (),
        *,
        textless: bool = False,
    ) -> None:
        pikepdf = library("pikepdf")
        self.made: list[Any] = []
        self.resources = pikepdf.Dictionary(
            {key: value for key, value in (resources or {}).items() if key not in ("/Properties", "/ProcSet")}
        )
        self._names = Renamed(self.resources)
        self._work, self._areas, self._state, self._forms, self._textless = (
            work,
            areas,
            state,
            forms,
            textless,
        )
        self._whole = resources or {}
        self._given = (resources or {}).get("/XObject", {})
        self._layers = (resources or {}).get("/Properties", {})
        self._kept = pikepdf.Dictionary()
        self._saved: list[State] = []
        self._marks: list[bool] = []
        self._matrix = self._line = SAME
        self._operator = pikepdf.Operator
        self._anew, self._begun = bool(areas.shifts), False
        """Whether places of texts are written anew; and whether that of the text at hand has been."""
        self._drift = 0.0
        """How far what is written stands from what was given, along the line, in units of the text before it is scaled."""
        self._path: int | None = None
        """Where in `made` the path that is being built begins."""

    def run(self, owner: Any) -> None:
        for each in library("pikepdf").parse_content_stream(owner):
            self._work.left -= 1
            if self._work.left < 0:
                raise DocumentTookTooLong
            name = str(each.operator)
            self._step(name, self._names.operands(name, list(each.operands)), each)
        self.made += [([], self._operator("Q"))] * len(self._saved)
        if len(self._kept):
            self.resources["/XObject"] = self._kept
        elif "/XObject" in self.resources:
            del self.resources["/XObject"]

    def content(self) -> bytes:
        made: bytes = library("pikepdf").unparse_content_stream(self.made)
        return made

    def _step(self, name: str, given: list[Any], each: Any) -> None:
        if name in MARKS:
            self._mark(name, given)
        elif name in SHOWS:
            self._show(name, given)
        elif name == "Do":
            self._object(str(given[0]))
        elif name in ("q", "Q"):
            self._save(name)
        elif name == "INLINE IMAGE":
            if not any(self._marks) and not self._covered() and self._names.keeps(given[0]):
                self.made.append(each)
        elif self._areas.drawn and self._is_path(name, given):
            return
        elif any(self._marks) and (name in PAINTS_PATH or name == "sh"):
            self._emit("n" if name != "sh" else "")
        elif name in SETS or name in POSITIONS or name in BUILDS_PATH or name in CLIPS or name in PAINTS_PATH:
            self._set(name, given)
            if not (self._anew and name in POSITIONS):
                self.made.append((given, self._operator(name)))

    def _is_path(self, name: str, given: list[Any]) -> bool:
        """Whether this ended a path that reaches into an area that was drawn: then it is taken out, and what it would clip is clipped away."""
        if name in BUILDS_PATH or name in CLIPS:
            self._path = len(self.made) if self._path is None else self._path
            return False
        if self._path is None or not (name in PAINTS_PATH or name == "n"):
            return False
        begin, self._path = self._path, None
        built = self.made[begin:]
        if not self._reaches(built):
            return False
        del self.made[begin:]
        clips = next((each for _, each in built if str(each) in CLIPS), None)
        if clips is not None:
            self._emit("re", 0, 0, 0, 0)
            self.made.append(([], clips))
            self._emit("n")
        return True

    def _reaches(self, built: Sequence[tuple[list[Any], Any]]) -> bool:
        """Whether a point that this path is built of lies in an area that was drawn."""
        for given, name in built:
            numbers = [float(each) for each in given]
            points = list(zip(numbers[::2], numbers[1::2], strict=False))
            if str(name) == "re" and len(numbers) == 4:
                x, y, width, height = numbers
                points = [(x, y), (x + width, y), (x, y + height), (x + width, y + height)]
            for across, up in (moved(self._state.ctm, *point) for point in points):
                for each in self._areas.drawn:
                    if each.left <= across <= each.right and each.bottom <= up <= each.top:
                        return True
        return False

    def _emit(self, name: str, *given: Any) -> None:
        if name:
            self.made.append((list(given), self._operator(name)))

    def _mark(self, name: str, given: list[Any]) -> None:
        if name == "EMC":
            if self._marks:
                self._marks.pop()
        elif name in ("BMC", "BDC"):
            layer = None
            if len(given) > 1 and str(given[0]) == "/OC":
                layer = self._layers.get(str(given[1])) if not is_dictionary(given[1]) else given[1]
            self._marks.append(self._work.is_off(layer))

    def _save(self, name: str) -> None:
        if name == "q":
            self._saved.append(self._state)
        elif self._saved:
            self._state = self._saved.pop()
        else:
            return
        self._emit(name)

    def _set(self, name: str, given: list[Any]) -> None:
        """Keeps account of an operator that goes through as it is."""
        state = self._state
        numbers: dict[str, str] = {"Tc": "spacing", "Tw": "word", "TL": "leading", "Ts": "rise"}
        if name == "cm":
            self._state = replace(state, ctm=times(matrix_of(given), state.ctm))
        elif name in numbers:
            self._state = replace(state, **cast("dict[str, Any]", {numbers[name]: float(given[0])}))
        elif name == "Tz":
            self._state = replace(state, scale=float(given[0]) / 100)
        elif name == "Tr":
            self._state = replace(state, mode=int(given[0]))
        elif name == "Tf":
            font = self.resources.get("/Font", {}).get(str(given[0]))
            self._state = replace(state, font=self._work.font(font), size=float(given[1]))
        elif name == "gs":
            self._external(self.resources.get("/ExtGState", {}).get(str(given[0])))
        elif name == "BT":
            self._matrix = self._line = SAME
            self._drift = 0.0
        elif name == "Tm":
            self._matrix = self._line = matrix_of(given)
            self._drift = 0.0
        elif name in ("Td", "TD"):
            if name == "TD":
                self._state = replace(state, leading=-float(given[1]))
            self._next(float(given[0]), float(given[1]))
        elif name == "T*":
            self._next(0, -state.leading)

    def _external(self, given: Any) -> None:
        font = given.get("/Font") if given is not None else None
        if font is not None:
            self._state = replace(self._state, font=self._work.font(font[0]), size=float(font[1]))

    def _next(self, across: float, up: float) -> None:
        self._drift = 0.0
        self._matrix = self._line = times((1, 0, 0, 1, across, up), self._line)

    def _show(self, name: str, given: list[Any]) -> None:
        if name == '"':
            self._state = replace(self._state, word=float(given[0]), spacing=float(given[1]))
            self._emit("Tw", given[0])
            self._emit("Tc", given[1])
        if name in ("'", '"'):
            self._emit("T*" if not self._anew else "")
            self._next(0, -self._state.leading)
        made: list[Any] = []
        self._begun = not self._anew
        for part in given[0] if name == "TJ" else [given[-1]]:
            if isinstance(part, library("pikepdf").String):
                self._string(bytes(part), made)
            else:
                move = -float(part) / 1000 * self._state.size
                self._advance(move)
                self._drift -= move
        if made:
            self._emit("TJ", library("pikepdf").Array(made))

    def _string(self, text: bytes, made: list[Any]) -> None:
        """The codes that stay, each where it has to stand: what lies between them is one number, however many glyphs and numbers it was."""
        state, pikepdf, kept = self._state, library("pikepdf"), b""
        font = state.font or Font({}, 0.5)
        for part, code, width in font.codes(text):
            move = width * state.size + state.spacing + (state.word if part == b" " else 0)
            if self._goes(width, font):
                self._drift -= move
            else:
                if not self._begun:
                    self._begin(font)
                between = self._wanted(font) - self._drift
                if abs(between) > CLOSE * abs(state.size):
                    if kept:
                        made.append(pikepdf.String(kept))
                        kept = b""
                    made.append(round(-between / state.size * 1000, 3))
                    self._drift += between
                kept += part
                font.used.add(code)
            self._advance(move)
        if kept:
            made.append(pikepdf.String(kept))

    def _begin(self, font: Font) -> None:
        """Say anew where the next glyph stands: the places that were given tell how wide what is gone was."""
        self._begun, self._drift = True, self._wanted(font)
        placed = times((1, 0, 0, 1, self._drift * self._state.scale, 0), self._matrix)
        self._emit("Tm", *(Decimal(f"{each:.4f}") for each in placed))

    def _wanted(self, font: Font) -> float:
        """How far from where it was given the next glyph has to stand, along the line."""
        if not self._areas.shifts or font.vertical:
            return 0.0
        whole = times(self._matrix, self._state.ctm)
        if abs(whole[1]) > abs(whole[0]) * CLOSE or whole[0] * self._state.scale <= 0:
            return 0.0
        x, y = moved(whole, 0, self._state.rise)
        by = sum(each.by for each in self._areas.shifts if each.moves(x, y))
        return by / (whole[0] * self._state.scale)

    def _goes(self, width: float, font: Font) -> bool:
        state = self._state
        if self._textless or any(self._marks) or state.mode == 3 or not state.size:
            return True
        if not self._areas.all:
            return False
        whole = times(self._matrix, state.ctm)
        origin = moved(whole, 0, state.rise)
        half = 0.0 if font.vertical else width * state.size * state.scale / 2
        middle = moved(whole, half, state.rise + MIDDLE * state.size * (-1 if font.vertical else 1))
        return self._areas.hold(origin, middle)

    def _advance(self, by: float) -> None:
        state = self._state
        if state.font is not None and state.font.vertical:
            self._matrix = times((1, 0, 0, 1, 0, by), self._matrix)
        else:
            self._matrix = times((1, 0, 0, 1, by * state.scale, 0), self._matrix)

    def _covered(self) -> bool:
        """Whether an area reaches into the unit square, where pictures stand."""
        return any(self._pixels(area) is not None for area in self._areas.all)

    def _pixels(self, area: Area) -> tuple[float, float, float, float] | None:
        """The part of the unit square under an area."""
        a, b, c, d, e, f = self._state.ctm
        determinant = a * d - b * c
        if abs(determinant) < 1e-9:
            return None
        corners = [
            ((d * (x - e) - c * (y - f)) / determinant, (a * (y - f) - b * (x - e)) / determinant)
            for x in (area.left, area.right) for y in (area.bottom, area.top)
        ]  # fmt: skip
        left, right = max(min(x for x, _ in corners), 0), min(max(x for x, _ in corners), 1)
        bottom, top = max(min(y for _, y in corners), 0), min(max(y for _, y in corners), 1)
        return (left, bottom, right, top) if left < right and bottom < top else None

    def _object(self, name: str) -> None:
        given = self._given.get(name)
        if given is None or any(self._marks) or self._work.is_off(given.get("/OC")):
            return
        if str(given.get("/Subtype")) == "/Image":
            parts = [part for area in self._areas.all if (part := self._pixels(area))]
            made = filled(self._work.pdf, given, parts, self._work.limits) if parts else given
        else:
            made = self._form(given)
        if made is not None:
            new = f"/X{len(self._kept)}"
            self._kept[new] = made
            self._emit("Do", library("pikepdf").Name(new))

    def _form(self, given: Any) -> Any:
        """A form XObject as it stands here. One within itself is left out, as every reader does."""
        if given.objgen in self._forms or len(self._forms) >= FORMS_DEEP_MAX:
            return None
        own = given.get("/Resources", self._whole)
        state = replace(self._state, ctm=times(matrix_of(given.get("/Matrix")), self._state.ctm))
        inner = Rewriter(
            self._work, self._areas, own, state, (*self._forms, given.objgen), textless=self._textless
        )
        inner.run(given)
        return form_like(self._work.pdf, given, inner)


def form_like(pdf: Any, given: Any, inner: Rewriter) -> Any:
    """A stream with the content of the rewriter and what may stay of the dictionary of the given one."""
    made = pdf.make_stream(inner.content())
    for key in (
        "/Type",
        "/Subtype",
        "/FormType",
        "/BBox",
        "/Matrix",
        "/Group",
        "/PatternType",
        "/PaintType",
        "/TilingType",
        "/XStep",
        "/YStep",
    ):
        if key in given:
            made[key] = given[key]
    made["/Resources"] = inner.resources
    return made
