"""What the tests of documents share: rules that know a name, a plan, and a search that is none of ours."""

from ostiary.detection.rules import RuleSet
from ostiary.documents.redacting import Settings

NAME = "Zebedeux Quillfeather"
MAIL = "zeb@quillfeather.example"
CARD = "4111 1111 1111 1111"
RULES = RuleSet.from_dict(
    {
        "dictionaries": [{"name": "people", "category": "person", "entries": [NAME]}],
        "categories": ["person", "email", "card", "iban", "password", "phone", "national_id"],
    }
)
SETTINGS = Settings(rules=RULES)
