"""The corpora, their licences, and what their labels are in ours.

A label maps to one or several of ours; several mean that the corpus does not tell them apart, and "" among them that it may be nothing. What a corpus
does not annotate is in `silent`: there its silence says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ostiary.detection.model_labels import LABELS

NOTHING = ""
PERSON, ORGANISATION, LOCATION, OTHER = ("person",), ("organisation",), ("location",), ("other",)
WORK = ("other", "organisation")
ANY = (NOTHING, *LABELS)


@dataclass(frozen=True, slots=True)
class Corpus:
    """`labels`: theirs -> ours. `share`: the part of its training documents that is used. `weight`: how often each is seen beside a generated one.

    loose: what stands outside its spans is nothing only where it is written small.
    """

    name: str
    licence: str
    origin: str
    labels: Mapping[str, tuple[str, ...]]
    silent: frozenset[str]
    share: float = 1.0
    weight: float = 4.0
    loose: bool = False
    not_person: frozenset[str] = field(default_factory=frozenset)


_SOCIAL = frozenset(
    {"date", "age", "nationality", "job_title", "medical", "id_number", "username", "address", "other"}
)
_PROSE = frozenset({"date", "age", "username", "job_title", "medical", "id_number", "address"})
_BROAD_TWITTER = {"PER": ("person", "username"), "ORG": ORGANISATION, "LOC": LOCATION}

_PII_ANON = {
    "PERSON_NAME": PERSON, "ORGANIZATION_NAME": ORGANISATION, "LOCATION_NAME": LOCATION, "STREET_ADDRESS": ("address",), "POSTAL_CODE": ("address",),
    "DATE_OF_BIRTH": ("date",), "TIMESTAMP": ("date",), "AGE": ("age",), "USERNAME": ("username",), "SOCIAL_MEDIA_HANDLE": ("username",),
    "JOB_TITLE": ("job_title",), "HEALTH_CONDITION": ("medical",), "MEDICATION_NAME": ("medical",), "PROCEDURE_NAME": ("medical",),
    "NATIONALITY": ("nationality",), "ETHNICITY": ("nationality",), "RELIGIOUS_BELIEF": ("nationality",), "POLITICAL_OPINION": ("nationality",),
    "MEDICAL_RECORD_NUMBER": ("id_number",), "HEALTH_INSURANCE_ID": ("id_number",), "NPI_NUMBER": ("id_number",), "SOCIAL_SECURITY_NUMBER": ("id_number",),
    "NATIONAL_ID_NUMBER": ("id_number",), "EMPLOYEE_ID": ("id_number",), "INSURANCE_POLICY_NUMBER": ("id_number",), "DEA_NUMBER": ("id_number",),
    "DRIVER_LICENSE_NUMBER": ("id_number",), "PASSPORT_NUMBER": ("id_number",), "BANK_ACCOUNT_NUMBER": ("id_number",), "PRESCRIPTION_NUMBER": ("id_number",),
    "VISA_NUMBER": ("id_number",), "TAX_ID": ("id_number",), "LICENSE_PLATE": ("id_number",), "VEHICLE_IDENTIFICATION_NUMBER": ("id_number",),
}  # fmt: skip


def _crossner(name: str, people: str, organisations: str = "") -> Corpus:
    """`people`, `organisations`: the names that the domain gives to kinds of them."""
    labels = {
        **dict.fromkeys(["person", *people.split()], PERSON),
        **dict.fromkeys(["organisation", *organisations.split()], ORGANISATION),
        **dict.fromkeys(["location", "country"], LOCATION),
        **dict.fromkeys(["magazine", "academicjournal", "award", "conference", "event"], WORK),
        "misc": (NOTHING, "other", "nationality"),
    }
    return Corpus(f"crossner_{name}_train_dev", "MIT", "CrossNER", labels, _PROSE)


CORPORA: tuple[Corpus, ...] = (
    Corpus(
        "wikigold", "CC BY 4.0", "Wikigold (Balasuriya et al., 2009)",
        {"PER": PERSON, "ORG": ORGANISATION, "LOC": LOCATION, "MISC": ("other", "nationality", "date")}, _PROSE, weight=6.0,
    ),
    Corpus(
        "wnut17_train_dev", "CC BY 4.0", "WNUT 2017 emerging entities (Derczynski et al.)",
        {
            "person": PERSON, "location": LOCATION, "group": ORGANISATION, "corporation": ORGANISATION, "product": OTHER, "creative-work": OTHER,
        }, _SOCIAL - {"other"}, weight=3.0,
    ),
    *(
        Corpus(f"btc_{part}", "CC BY 4.0", "Broad Twitter Corpus (Derczynski et al., 2016)", _BROAD_TWITTER, _SOCIAL, weight=3.0)
        for part in "abe"
    ),
    Corpus(
        "sec_filings_train", "CC BY 3.0", "SEC filings (Salinas Alvarado et al., 2015)",
        {"PER": PERSON, "ORG": ORGANISATION, "LOC": ("location", "address"), "MISC": ("nationality", "other")}, _PROSE | {"other"}, weight=2.0,
        not_person=frozenset("borrower lender bank executive employee company lessee lessor tenant landlord agent holder trustee guarantor seller buyer "
        "purchaser parent subsidiary corporation director officer party parties member investor administrative participant".split()),
    ),
    _crossner("ai", "researcher", "university"),
    _crossner("literature", "writer"),
    _crossner("music", "musicalartist", "band"),
    _crossner("politics", "politician", "politicalparty"),
    _crossner("science", "scientist", "university"),
    Corpus(
        "tab_dev_masked", "MIT", "Text Anonymization Benchmark (Pilan et al., 2022)",
        {"MASK": tuple(label for label in LABELS if label != "other")}, frozenset({"other"}), weight=3.0, loose=True,
    ),
    Corpus(
        "presidio_synth_v2", "MIT", "presidio-research, generated",
        {
            "PERSON": PERSON, "ORGANIZATION": ORGANISATION, "GPE": LOCATION, "STREET_ADDRESS": ("address",), "ZIP_CODE": ("address",),
            "DATE_TIME": ("date",), "AGE": ("age",), "NRP": ("nationality",), "TITLE": (NOTHING, "job_title"), "US_SSN": ("id_number",),
            "US_DRIVER_LICENSE": ("id_number",),
        }, frozenset({"username", "medical", "other", "job_title", "id_number"}), weight=2.0,
    ),
    Corpus("pii_anon_clinical", "CC0", "pii-anon-eval-data 1.3, generated", _PII_ANON, frozenset({"location", "other"}), share=0.3, weight=1.0),
    Corpus("pii_anon_technology", "CC0", "pii-anon-eval-data 1.3, generated", _PII_ANON, frozenset({"location", "other"}), share=0.4, weight=1.0),
)  # fmt: skip


def ours(corpus: Corpus, label: str) -> tuple[str, ...]:
    """What the corpus's label is in ours; numbers, addresses of machines and secrets are other detectors' work, so here they may be anything."""
    if label in corpus.labels:
        return corpus.labels[label]
    return OTHER if corpus.name.startswith("crossner") else (NOTHING, "other", "id_number")
