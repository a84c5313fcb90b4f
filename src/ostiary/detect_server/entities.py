"""Presidio's entity names and our categories, both ways. What has no name there keeps ours, in capitals: `de_kvnr` is `DE_KVNR`."""

from collections.abc import Mapping
from types import MappingProxyType

from ostiary.detection.categories import CATEGORIES

_NAMED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "PERSON": ("person",),
        "EMAIL_ADDRESS": ("email",),
        "PHONE_NUMBER": ("phone",),
        "PH_MOBILE_NUMBER": ("phone",),
        "TR_PHONE_NUMBER": ("phone",),
        "CREDIT_CARD": ("card",),
        "IBAN_CODE": ("iban",),
        "IP_ADDRESS": ("ip_address",),
        "MAC_ADDRESS": ("mac_address",),
        "URL": ("url",),
        "CRYPTO": ("crypto_wallet",),
        "DATE_TIME": ("date", "date_of_birth"),
        "AGE": ("age",),
        "NRP": ("nationality",),
        "ORGANIZATION": ("organisation",),
        "MEDICAL_LICENSE": ("us_dea",),
        "US_BANK_NUMBER": ("us_bank_account",),
        "ABA_ROUTING_NUMBER": ("us_aba_routing",),
        "US_DRIVER_LICENSE": ("us_driving_licence",),
        "US_NPI": ("us_npi",),
        "US_MBI": ("us_mbi",),
        "UK_NHS": ("gb_nhs",),
        "UK_NINO": ("gb_nino",),
        "UK_PASSPORT": ("gb_passport",),
        "UK_POSTCODE": ("gb_postcode",),
        "UK_DRIVING_LICENCE": ("gb_driving_licence",),
        "UK_VEHICLE_REGISTRATION": ("gb_licence_plate",),
        "LOCATION": ("location", "address", "coordinates", "postcode", "us_postcode", "gb_postcode", "ca_postcode", "nl_postcode"),
        "ES_NIF": ("es_dni",),
        "IT_FISCAL_CODE": ("it_codice_fiscale",),
        "IT_DRIVER_LICENSE": ("it_driving_licence",),
        "IT_VAT_CODE": ("it_partita_iva", "it_vat"),
        "IN_VOTER": ("in_voter_id",),
        "IN_VEHICLE_REGISTRATION": ("in_licence_plate",),
        "FI_PERSONAL_IDENTITY_CODE": ("fi_hetu",),
        "SG_NRIC_FIN": ("sg_nric",),
        "KR_RRN": ("kr_rrn",),
        "KR_DRIVER_LICENSE": ("kr_driving_licence",),
        "TR_NATIONAL_ID": ("tr_tckn",),
        "TR_LICENSE_PLATE": ("tr_licence_plate",),
        "ZA_ID_NUMBER": ("za_id",),
        "DE_SOCIAL_SECURITY": ("de_pension_id",),
        "DE_HEALTH_INSURANCE": ("de_kvnr",),
        "DE_ID_CARD": ("de_identity_card",),
        "DE_VAT_ID": ("de_vat",),
        "DE_FUEHRERSCHEIN": ("de_driving_licence",),
        "DE_KFZ": ("de_licence_plate",),
        "DE_PLZ": ("de_postcode",),
        "TH_TNIN": ("th_id",),
        "DE_TAX_ID": ("de_tax_id",),
        "NG_VEHICLE_REGISTRATION": ("ng_licence_plate",),
    }
)  # fmt: skip
"""As Presidio names them; the first category of each is how its own findings of that kind are asked for."""


def _both_ways() -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    categories = {
        entity: tuple(name for name in names if name in CATEGORIES) for entity, names in _NAMED.items()
    }
    categories = {entity: names for entity, names in categories.items() if names}
    entities: dict[str, str] = {}
    for entity, names in categories.items():
        for name in names:
            entities.setdefault(name, entity)
    for name in CATEGORIES:
        if name not in entities:
            entities[name] = name.upper()
            categories.setdefault(name.upper(), (name,))
    return categories, entities


_CATEGORIES, _ENTITIES = _both_ways()


def entity_of(category: str) -> str:
    return _ENTITIES.get(category, category.upper())


def categories_of(entity: str) -> tuple[str, ...]:
    """Our categories of an entity; none where we know no such entity."""
    return _CATEGORIES.get(entity, ())


def names() -> list[str]:
    """Every entity that can be found."""
    return sorted(set(_ENTITIES.values()))
