"""Every kind of sensitive value by name: what a finding says that a span is, and the family that policy speaks about.

A category is as fine as the detectors can tell (`us_ssn`, `de_tax_id`); a family is what a person would mask or show as one (`national_id`). A country's own
categories begin with its ISO 3166 code. A rule set may add categories of its own, which belong to the family `custom`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from ostiary.detection.secrets.kinds import KINDS


class Family(StrEnum):
    """What policy and masks speak about. The value is the public name."""

    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    BANK_ACCOUNT = "bank_account"
    NATIONAL_ID = "national_id"
    PASSPORT = "passport"
    DRIVING_LICENCE = "driving_licence"
    HEALTH_ID = "health_id"
    DATE_OF_BIRTH = "date_of_birth"
    IP_ADDRESS = "ip_address"
    MAC_ADDRESS = "mac_address"
    CRYPTO_WALLET = "crypto_wallet"
    API_KEY = "api_key"
    PRIVATE_KEY = "private_key"
    PASSWORD = "password"  # noqa: S105 (a family's name, not a password)
    PERSON = "person"
    USERNAME = "username"
    ORGANISATION = "organisation"
    LOCATION = "location"
    ADDRESS = "address"
    DATE = "date"
    AGE = "age"
    NATIONALITY = "nationality"
    JOB_TITLE = "job_title"
    MEDICAL = "medical"
    TAX_ID = "tax_id"
    VEHICLE = "vehicle"
    URL = "url"
    ID_NUMBER = "id_number"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of value. `country` is ISO 3166 alpha-2, empty where there is none. `title` is for people."""

    name: str
    family: Family
    country: str
    title: str


_GENERAL: Mapping[Family, str] = {
    Family.EMAIL: "email: E-mail address",
    Family.PHONE: "phone: Phone number",
    Family.CARD: "card: Payment card number; card_code: Card verification code",
    Family.IBAN: "iban: International bank account number",
    Family.BANK_ACCOUNT: "bank_account: Bank account number; swift_bic: Bank identifier code (SWIFT)",
    Family.NATIONAL_ID: "national_id: National identity number, named as such",
    Family.PASSPORT: "passport: Passport number; passport_mrz: Machine-readable zone of a travel document",
    Family.DRIVING_LICENCE: "driving_licence: Driving licence number; licence_plate: Licence plate",
    Family.HEALTH_ID: "health_id: Health insurance or patient number",
    Family.DATE_OF_BIRTH: "date_of_birth: Date of birth",
    Family.IP_ADDRESS: "ip_address: IP address",
    Family.MAC_ADDRESS: "mac_address: MAC address; imei: Mobile equipment identity (IMEI)",
    Family.CRYPTO_WALLET: "crypto_wallet: Crypto wallet address",
    Family.API_KEY: "api_key: Key or token",
    Family.PRIVATE_KEY: "private_key: Private key",
    Family.PASSWORD: "password: Password",
    Family.PERSON: "person: Name of a person",
    Family.USERNAME: "username: User name or handle",
    Family.ORGANISATION: "organisation: Organisation",
    Family.LOCATION: "location: Place; coordinates: Geographic coordinates",
    Family.ADDRESS: "address: Street address; postcode: Postcode",
    Family.DATE: "date: Date",
    Family.AGE: "age: Age",
    Family.NATIONALITY: "nationality: Nationality, religious or political group",
    Family.JOB_TITLE: "job_title: Occupation",
    Family.MEDICAL: "medical: Health condition or treatment",
    Family.VEHICLE: "vin: Vehicle identification number",
    Family.URL: "url: Web address",
    Family.ID_NUMBER: "id_number: Number of a person, case or customer",
}

_NATIONAL: Mapping[Family, str] = {
    Family.NATIONAL_ID: (
        "ae_emirates_id: Emirates ID; ar_cuit: CUIT or CUIL; ar_dni: DNI; at_svnr: Sozialversicherungsnummer; at_tax_id: Abgabenkontonummer;"
        "au_abn: Business number (ABN); au_acn: Company number (ACN); au_tfn: Tax file number; be_national_number: Rijksregisternummer; bg_egn: EGN; bg_lnch: LNCh;"
        "br_pis: PIS, PASEP, NIS or NIT; br_titulo_eleitor: Título de eleitor; br_cnpj: CNPJ; br_cpf: CPF; ca_sin: Social insurance number; ch_ahv: AHV number; cl_rut: RUT; cn_resident_id: Resident identity number; co_cedula: Cédula;"
        "co_nit: NIT; cy_tax_id: Tax identification code; cz_birth_number: Rodné číslo; de_identity_card: Personalausweis; de_pension_id: Rentenversicherungsnummer;"
        "de_tax_id: Steuer-Identifikationsnummer; de_tax_number: Steuernummer; dk_cpr: CPR number; ec_cedula: Cédula; ee_isikukood: Isikukood; es_dni: DNI; es_nie: NIE;"
        "es_social_security: Número de la Seguridad Social; fi_hetu: Henkilötunnus; fr_nir: Numéro de sécurité sociale (NIR); fr_tax_id: Numéro fiscal (SPI);"
        "gb_nino: National Insurance number; gb_utr: Unique taxpayer reference; gh_card: Ghana card; gr_afm: AFM; gr_amka: AMKA; gr_identity_card: Identity card;"
        "hk_id: HKID; hr_oib: OIB; hu_personal_id: Személyi azonosító; hu_taj: TAJ; hu_tax_id: Adóazonosító jel; id_nik: NIK; ie_pps: PPS number; il_id: Teudat zehut;"
        "in_aadhaar: Aadhaar; in_pan: PAN; in_voter_id: Voter ID (EPIC); in_gstin: GSTIN; is_kennitala: Kennitala; it_codice_fiscale: Codice fiscale;"
        "it_identity_card: Carta d'identità; it_partita_iva: Partita IVA; jp_my_number: My Number; ke_pin: KRA PIN; kr_rrn: Resident registration number; kr_frn: Foreigner registration number;"
        "lt_asmens_kodas: Asmens kodas; lu_national_id: Matricule; lv_personas_kods: Personas kods; mt_identity_card: Identity card; mx_curp: CURP;"
        "mx_rfc: RFC; my_mykad: MyKad; ng_bvn: Bank verification number; ng_nin: National identification number; ng_tin: Taxpayer number; nl_bsn: Burgerservicenummer;"
        "no_fnr: Fødselsnummer; nz_ird: IRD number; pe_dni: DNI; ph_sss: SSS or UMID number; ph_tin: Taxpayer number; pk_cnic: CNIC; pl_identity_card: Dowód osobisty; pl_nip: NIP; pl_pesel: PESEL;"
        "pt_citizen_card: Cartão de Cidadão; pt_nif: NIF; pt_niss: NISS; ro_cnp: CNP; rs_jmbg: JMBG; ru_inn: INN; ru_snils: SNILS; sa_id: National ID or Iqama;"
        "se_personnummer: Personnummer; sg_nric: NRIC or FIN; si_emso: EMŠO; si_tax_id: Davčna številka; sk_birth_number: Rodné číslo; th_id: Identity number; tr_tckn: T.C. kimlik no;"
        "tw_id: Identity number; ua_rnokpp: RNOKPP; us_ein: Employer identification number; us_itin: Individual taxpayer number; us_ptin: Preparer number (PTIN);"
        "us_ssn: Social security number; uy_ci: Cédula; vn_id: Citizen identity number; za_id: Identity number"
    ),
    Family.TAX_ID: (
        "de_handelsregister: Handelsregisternummer; kr_brn: Business registration number; se_organisationsnummer: Organisationsnummer; sg_uen: Unique entity number;"
        "at_vat: VAT number; be_vat: VAT number; bg_vat: VAT number; ch_vat: VAT number or UID; cy_vat: VAT number; cz_vat: VAT number; de_vat: VAT number; dk_vat: VAT number; ee_vat: VAT number;"
        "es_vat: VAT number; fi_vat: VAT number; fr_siren: SIREN; fr_siret: SIRET; fr_vat: VAT number; gb_company_number: Company number; gb_vat: VAT number; gr_vat: VAT number;"
        "hr_vat: VAT number; hu_vat: VAT number; ie_vat: VAT number; it_vat: VAT number; lt_vat: VAT number; lu_vat: VAT number; lv_vat: VAT number; mt_vat: VAT number;"
        "nl_vat: VAT number; no_vat: VAT number; pl_regon: REGON; pl_vat: VAT number; pt_vat: VAT number; ro_vat: VAT number; se_vat: VAT number; si_vat: VAT number; sk_vat: VAT number"
    ),
    Family.PASSPORT: (
        "au_passport: Passport number; ca_passport: Passport number; de_passport: Passport number; es_passport: Passport number; fr_passport: Passport number;"
        "gb_passport: Passport number; in_passport: Passport number; it_passport: Passport number; kr_passport: Passport number; nl_passport: Passport number; ng_passport: Passport number; us_passport: Passport number"
    ),
    Family.DRIVING_LICENCE: (
        "ca_driving_licence: Driver's licence; de_driving_licence: Führerscheinnummer; fr_driving_licence: Permis de conduire; gb_driving_licence: Driving licence;"
        "in_driving_licence: Driving licence; it_driving_licence: Patente di guida; kr_driving_licence: Driver's licence; ng_driving_licence: Driver's licence; us_driving_licence: Driver's license;"
        "de_licence_plate: Kennzeichen; gb_licence_plate: Licence plate; in_licence_plate: Vehicle registration; ng_licence_plate: Licence plate; tr_licence_plate: Licence plate"
    ),
    Family.HEALTH_ID: (
        "au_ihi: Individual healthcare identifier; au_medicare: Medicare number; au_provider: Medicare provider number; br_cns: Cartão Nacional de Saúde;"
        "ca_bc_phn: Personal health number; ca_on_ohip: Health card number; ca_qc_ramq: Health insurance number; de_kvnr: Krankenversichertennummer; de_lanr: Arztnummer (LANR); de_bsnr: Betriebsstättennummer (BSNR); "
        "gb_nhs: NHS number; gb_chi: CHI number; us_dea: DEA number; us_mbi: Medicare beneficiary identifier; us_npi: National provider identifier; nz_nhi: National health index"
    ),
    Family.BANK_ACCOUNT: (
        "au_bsb: BSB; ca_transit: Transit and institution number; gb_sort_code: Sort code; gb_bank_account: Bank account number; in_ifsc: IFSC; in_upi: UPI address; mx_clabe: CLABE;"
        "us_aba_routing: ABA routing number; us_bank_account: Bank account number; ng_nuban: NUBAN; de_bank_code: Bankleitzahl; br_pix: PIX key"
    ),
    Family.ADDRESS: "ca_postcode: Postal code; de_postcode: Postleitzahl; gb_postcode: Postcode; nl_postcode: Postcode; us_postcode: ZIP code",
}  # fmt: skip


def _listed(tables: Mapping[Family, str], *, national: bool) -> Iterator[Category]:
    for family, table in tables.items():
        for entry in table.split(";"):
            name, _, title = entry.strip().partition(": ")
            yield Category(name, family, name[:2].upper() if national else "", title)


_OURS = {each.name: each for each in (*_listed(_GENERAL, national=False), *_listed(_NATIONAL, national=True))}
_SECRETS = {kind.name: Category(kind.name, Family(kind.family), "", kind.title) for kind in reversed(KINDS)}

CATEGORIES: Mapping[str, Category] = MappingProxyType({**_SECRETS, **_OURS})
"""Every category of ours, by name."""


def family_of(category: str) -> Family:
    """The family of a category; what is not of ours is `custom`."""
    known = CATEGORIES.get(category)
    return known.family if known is not None else Family.CUSTOM


def in_family(family: str) -> frozenset[str]:
    """The categories of a family."""
    return frozenset(each.name for each in CATEGORIES.values() if each.family == family)


NAMES: frozenset[str] = frozenset(CATEGORIES) | frozenset(Family)
"""What a policy or a rule set may name: a category, or a family for all of its categories."""
