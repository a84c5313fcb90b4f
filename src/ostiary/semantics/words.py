"""The grammar of questions: words that ask, compare, order and join, and what may be left out."""

_FILLER = """
a an the what whats is are was were be been show me give list find get tell display return compute calculate please can could you i want need would like to see know do does did we our us there
of in on at as it its that this these those them they their then and with for from have has had having which who whom whose where when how combination combinations value result results database answer also along together respective
serve serves serving served located corresponding made happened occurred order sort sorted showing including ordered query report about all any overall following using only just total data record entry entries row rows table tables column columns records so far
"""
FILLER = frozenset(_FILLER.split())
"""What may be left out of a question without changing what is asked. Never: or, not, than, by, per, each, between, without."""
RETURNING = frozenset(["return", "showing", "including", "display"])
LACKING = (("without",), ("with", "no"), ("have", "no"), ("has", "no"), ("had", "no"), ("have", "not"), ("has", "not"), ("had", "not"), ("do", "not"), ("did", "not"), ("have", "never"), ("has", "never"), ("never",))  # fmt: skip
LACKED = frozenset(["any", "a", "an", "have", "had", "has", "made", "make", "placed", "place", "issued", "issue", "received", "receive", "got", "get", "gotten"])  # fmt: skip
DONE = frozenset(
    [
        "made",
        "done",
        "placed",
        "sent",
        "written",
        "bought",
        "sold",
        "paid",
        "created",
        "ordered",
        "booked",
        "submitted",
    ]
)
BY = ("by", "per", "each", "across")
BY_PHRASES = (("for", "each"), ("of", "each"), ("in", "each"), ("for", "every"), ("in", "every"), ("grouped", "by"), ("broken", "down", "by"), ("split", "by"), ("group", "by"), ("at", "each"), ("from", "each"))  # fmt: skip
FUNCTIONS: dict[tuple[str, ...], str] = {
    ("average",): "avg", ("avg",): "avg", ("mean",): "avg", ("sum", "of"): "sum", ("sum",): "sum", ("total",): "sum", ("combined",): "sum", ("maximum",): "max", ("max",): "max",
    ("minimum",): "min", ("min",): "min", ("number", "of"): "count", ("count", "of"): "count", ("how", "many"): "count", ("total", "number", "of"): "count", ("count",): "count",
    ("number", "of", "unique"): "distinct", ("number", "of", "distinct"): "distinct", ("number", "of", "different"): "distinct", ("how", "many", "unique"): "distinct", ("how", "many", "different"): "distinct", ("how", "many", "distinct"): "distinct",
    ("total", "count", "of"): "count",
}  # fmt: skip
WHICH = ("which", "what", "who", "where", "whose", "whats")
MOST = frozenset(["top", "most", "highest", "largest", "biggest", "best", "greatest", "maximum"])
LEAST = frozenset(["bottom", "least", "lowest", "smallest", "fewest", "worst"])
COMPARED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("more", "than"), ">"), (("greater", "than"), ">"), (("higher", "than"), ">"), (("larger", "than"), ">"), (("over",), ">"), (("above",), ">"), (("exceeding",), ">"), (("exceeds",), ">"),
    (("at", "least"), ">="), (("or", "more"), ">="), (("less", "than"), "<"), (("fewer", "than"), "<"), (("lower", "than"), "<"), (("smaller", "than"), "<"), (("under",), "<"), (("below",), "<"),
    (("at", "most"), "<="), (("up", "to"), "<="), (("equal", "to"), "="), (("exactly",), "="), (("is",), "="), (("of",), "="), (("equals",), "="), (("=",), "="), ((">",), ">"), (("<",), "<"),
    ((">=",), ">="), (("<=",), "<="),
)  # fmt: skip
NEGATED = (("is", "not"), ("are", "not"), ("not", "equal", "to"), ("other", "than"), ("except",), ("excluding",), ("not",))  # fmt: skip
JOINING = (("based", "on", "joining"), ("by", "joining"), ("by", "doing", "a"), ("using", "a", "left"), ("using", "a", "join"), ("using", "an", "inner"))  # fmt: skip
JOINED = frozenset(["based", "by", "using", "doing", "a", "an", "left", "inner", "join", "joining", "between", "the", "and", "from", "to", "with", "of", "on", "table", "tables", ","])  # fmt: skip
"""What a hint how to join begins with, and what else is in it but tables."""
VERSUS = (("vs",), ("versus",), ("compared", "to"), ("compared", "with"), ("against",))
HOLDING = frozenset(["have", "has", "had", "made", "make", "placed", "place", "with", "received", "issued"])
HELD = HOLDING | frozenset(
    ["who", "that", "which", "did", "do", "at", "least", "one", "a", "an", "any", "some", "been", ",", ","]
)
DISTINCT = frozenset(["distinct", "unique", "different"])
ORDERS = frozenset(["order", "ordered", "sort", "sorted", "ranked", "arranged"])
NAMED = frozenset(["named", "called", "titled"])
THEIRS = frozenset(["their", "the", "its", "his", "her", "a", "an", "whose", "any"])
COUNTED = frozenset([("number", "of"), ("count", "of"), ("how", "many"), ("total", "number", "of"), ("count",), ("total", "count", "of")])  # fmt: skip
TEXTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("starts", "with"), "starts"), (("starting", "with"), "starts"), (("begins", "with"), "starts"), (("beginning", "with"), "starts"), (("ends", "with"), "ends"), (("ending", "with"), "ends"),
    (("ends", "in"), "ends"), (("ending", "in"), "ends"), (("contains",), "contains"), (("containing",), "contains"), (("includes",), "contains"), (("named",), "="), (("called",), "="),
)  # fmt: skip
"""What a text is compared by."""
ORDERED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("in", "descending", "order"), "most"), (("in", "ascending", "order"), "least"), (("descending", "order"), "most"), (("ascending", "order"), "least"), (("descending",), "most"), (("ascending",), "least"),
)  # fmt: skip
