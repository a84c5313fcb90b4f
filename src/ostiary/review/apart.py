"""What is done with a document in a process of its own (`documents.confined`): it is read and looked through. The task is given bytes and gives bytes."""

from ostiary.detection.finding import Finding
from ostiary.detection.rules import RuleSet
from ostiary.documents import confined, images, looking, pdf_reading, reading
from ostiary.documents.document import Document, Limits
from ostiary.errors import DocumentMalformed, DocumentTooLarge
from ostiary.redaction.apply import stretches
from ostiary.redaction.operators import Surroundings
from ostiary.review import paper
from ostiary.review.paper import Paper

TOO_MANY = f"More than {paper.FINDINGS_MAX:,} findings: redact it at the command line, or look for less."


def read(content: bytes, name: str, rules: RuleSet, limits: Limits = paper.LIMITS) -> Paper:
    """The document and what the rules find in it. Raises the errors `document.*`."""
    _, packed = confined.apart("ostiary.review.apart:read_task", limits, content, name, rules)
    try:
        return paper.unpacked(packed)
    except (KeyError, TypeError, ValueError):
        raise DocumentMalformed("Its parser gave up.") from None


def read_task(limits: Limits, content: bytes, name: str, rules: RuleSet) -> confined.Answer:
    """In the child."""
    document = reading.read(content, name, limits)
    found = stretched(document, rules)
    if sum(map(len, found.values())) > paper.FINDINGS_MAX:
        raise DocumentTooLarge(TOO_MANY)
    return {}, paper.of(document, found, _pages(content, document.format, limits)).packed()


def _pages(content: bytes, format_: str, limits: Limits) -> int:
    """How many pages can be drawn."""
    if format_ == "pdf":
        with pdf_reading.with_pages(content, limits) as opened:
            return len(opened)
    return sum(1 for _ in images.frames(content, limits)) if format_ == "image" else 0


def stretched(document: Document, rules: RuleSet) -> dict[int, list[tuple[int, int, Finding]]]:
    """What is found in each piece, and each other place where these values stand: as redacting would find it, overlaps as one."""
    pieces = document.pieces
    found = looking.findings(pieces, rules)
    values = looking.by_joined(pieces, found)
    for number, more in looking.elsewhere(pieces, values).items():
        found.setdefault(number, []).extend(more)
    return {
        number: [
            (each.start, each.end, each.finding)
            for each in stretches(pieces[number].text, own, Surroundings())
        ]
        for number, own in found.items()
    }
