"""A plan in words, for whoever asked to see what was understood."""

from ostiary.semantics.lexicon import Meaning
from ostiary.semantics.plan import DAYS, Filter, Measured, Period, Plan


def called(meant: Meaning) -> str:
    return f"{plainly(meant.dataset)} {plainly(meant.name)}".strip()


def plainly(name: str) -> str:
    return name.replace("_", " ")


def told(plan: Plan) -> str:
    """The plan in words."""
    measures = " and ".join(_measured(each) for each in plan.measures) or "rows"
    parts = [measures]
    if plan.by:
        parts.append("by " + ", ".join(f"{each.grain} of {plainly(each.field)}" if each.grain else f"{plainly(each.dataset)} {plainly(each.field)}" for each in plan.by))  # fmt: skip
    for each in plan.filters:
        if each.operator == "without":
            parts.append(f"{plainly(each.dataset)} without {plainly(str(each.values[0]))}")
            continue
        if each.operator in DAYS:
            days = "Saturdays and Sundays" if each.operator == "weekend" else "Mondays to Fridays"
            parts.append(f"{plainly(each.dataset)} {plainly(each.field)}: only {days}")
            continue
        if each.operator == "any":
            parts.append(f"with {plainly(each.dataset)}")
            continue
        if each.operator == "with":
            parts.append(f"{plainly(each.dataset)} with {_MANY[str(each.values[1])]} {_value(each.values[2])} {plainly(str(each.values[0]))}")  # fmt: skip
            continue
        said = stretch(each.period) if each.period else _compared(each)
        other = f" or {plainly(each.other.field)} {_compared(each.other)}" if each.other else ""
        parts.append(f"{plainly(each.dataset)} {plainly(each.field)} {said}{other}".rstrip())
    parts += [f"{_measured(each.measured)} {each.operator} {each.value:.15g}" for each in plan.having]
    if plan.compared:
        parts.append(f"compared with {stretch(plan.compared).removeprefix('in ')}")
    if plan.ranked:
        end = f"the {'highest' if plan.order == 'most' else 'lowest'} {plainly(plan.ranked.field)}"
        parts.append(f"the {plan.limit} with {end}" if plan.limit else f"those with {end} first")
    elif plan.limit:
        parts.append(f"the {plan.limit} with the {plan.order or 'most'}")
    elif plan.order:
        parts.append(f"the {plan.order} first")
    return ", ".join(parts)


_MANY = {">": "more than", ">=": "at least", "<": "fewer than", "<=": "at most", "=": "exactly"}


def _compared(each: Filter) -> str:
    how = {"in": "is", "not in": "is not", "starts": "starts with", "ends": "ends with"}.get(each.operator, each.operator)  # fmt: skip
    return f"{how} {(' and ' if each.operator == 'between' else ' or ').join(map(_value, each.values))}"


def _measured(each: Measured) -> str:
    if each.metric:
        return plainly(each.metric)
    if not each.field:
        return f"number of {plainly(each.dataset)}"
    how = {"avg": "average", "sum": "sum of", "min": "minimum", "max": "maximum", "distinct": "number of different", "count": "number of"}  # fmt: skip
    return f"{how[each.function]} {plainly(each.dataset)} {plainly(each.field)}"


def _value(value: str | float) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:.15g}"


def stretch(period: Period) -> str:
    if period.kind == "between":
        first = f"from {period.first}" if period.first else ""
        return f"{first} {'before ' + str(period.end) if period.end else ''}".strip()
    if period.kind == "this":
        return f"in this {period.unit}"
    if period.kind == "previous":
        return f"in the {period.unit} before this one" if period.count == 1 else f"in the {period.count} {period.unit}s before this one"  # fmt: skip
    if period.kind == "before":
        return f"in the {period.unit} before that"
    return f"in the last {period.count} {period.unit}{'s' if period.count > 1 else ''}"
