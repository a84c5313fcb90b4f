"""Keys, tokens and passwords. Where spans are equal in score and length, the earlier detector names them."""

from ostiary.detection import validity
from ostiary.detection.detector import Detector, secret

_WORD = (
    r"(?:(?i:password|passwd|passwort|passphrase|passcode|contrasena|mot de passe|wachtwoord|senha|secret|identified by|userpwd)|"
    r"(?:\b|_)(?i:pw|pwd|pass))"
)
_KEY = (
    r"(?i:(?:api|access|auth|account|private|encryption|signing|secret|shared|master|service|license|activation)[ _\-]?key|"
    r"(?:client|app|shared|consumer|webhook|signing)[ _\-]?secret|credentials?)"
)
_QUOTE = r"""(?:\\{0,3}["'`])"""
_IS = rf"(?i:(?:{_QUOTE}|\]){{0,2}} ?(?::=|=>|=|:| is:?| was:?) ?{_QUOTE}?|{_QUOTE}?,? ?{_QUOTE})"
_VALUE = r"(?P<v>[^\s\"'`,;<>\\]{4,200})"

DETECTORS: tuple[Detector, ...] = (
    Detector(
        "private key block",
        "private_key",
        "",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?s:.*?)-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|(?:[A-Za-z0-9+/=\s\\:,]|-[A-Za-z0-9])*)",
        None,
        (),
        1.0,
        follows=True,
    ),
    Detector("PuTTY key", "private_key", "", r"PuTTY-User-Key-File-[23]:(?:(?s:.*?)Private-MAC: [0-9a-f]{40,64}|[^\n]*)", None, (), 1.0, follows=True),
    Detector("age identity", "private_key", "", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b", None, (), 1.0),
    Detector(
        "URL with password",
        "password",
        "",
        r"\b[A-Za-z][A-Za-z0-9+.\-]{1,30}://[^\s:/@\"'<>]{0,100}:[^\s/\"'<>]{1,200}@[^\s\"'<>,;)]{1,200}",
        validity.url_password,
        (),
        0.97,
    ),
    Detector(
        "connection string password",
        "password",
        "",
        r"(?i:\b(?:password|pwd|accountkey|sharedaccesskey|sharedaccesssignature)) ?= ?(?P<v>[^;\s\"'&]{3,200})",
        validity.password_value,
        (),
        0.9,
    ),
    Detector("assigned key", "api_key", "", _KEY + _IS + _VALUE, validity.password_value, (), 0.82),
    Detector("assigned password", "password", "", _WORD + _IS + _VALUE, validity.password_value, (), 0.8),
    Detector(
        "authorization header",
        "api_key",
        "",
        r"(?i:\b(?:bearer|basic|token|apikey)) +(?P<v>[A-Za-z0-9_\-.~+/]{16,1000}={0,2})",
        validity.random_looking,
        (),
        0.85,
    ),
    secret("JSON Web Token", r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*){0,3}", validity.jwt, 0.98),
    secret("Ostiary key", r"\bo(?:st|pk)_[a-z0-9]{2,12}_[A-Za-z0-9]{12}_[A-Za-z0-9]{40,60}(?:_[A-Za-z0-9]{6})?\b"),
    secret("AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA|ANVA|AIPA)[A-Z0-9]{16}\b"),
    Detector(
        "AWS secret key",
        "api_key",
        "",
        r"(?i:aws|amazon|secret)[A-Za-z0-9_ .\-]{0,30}[\"']?[ ]?[:=]+[ ]?[\"']?(?P<v>[A-Za-z0-9/+]{40})\b",
        validity.random_looking,
        (),
        0.9,
    ),
    secret("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{30,255}\b"),
    secret("GitHub fine-grained token", r"\bgithub_pat_[A-Za-z0-9_]{40,255}\b"),
    secret("GitLab token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_\-.]{20,300}"),
    secret("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,250}|\bxapp-\d-[A-Za-z0-9\-]{10,250}"),
    secret("Slack webhook", r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/+]{20,120}"),
    secret("Discord webhook", r"\bdiscord(?:app)?\.com/api/webhooks/\d{15,22}/[A-Za-z0-9_\-]{50,100}"),
    secret("Stripe key", r"\b(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,250}\b|\bwhsec_[A-Za-z0-9+/=]{24,100}"),
    secret("Google API key", r"\bAIza[A-Za-z0-9_\-]{35}"),
    secret("Google OAuth secret", r"\bGOCSPX-[A-Za-z0-9_\-]{20,40}|\bya29\.[A-Za-z0-9_\-.]{20,1000}|\b1//0[A-Za-z0-9_\-]{40,200}"),
    secret("Anthropic key", r"\bsk-ant-[A-Za-z0-9_\-]{20,250}"),
    secret("OpenAI key", r"\bsk-(?:proj-|svcacct-|admin-|None-)[A-Za-z0-9_\-]{20,250}|\bsk-[A-Za-z0-9]{20,100}\b"),
    secret("OpenRouter or DeepSeek key", r"\bsk-or-v1-[0-9a-f]{64}\b|\bgsk_[A-Za-z0-9]{40,60}\b|\bxai-[A-Za-z0-9]{70,90}\b|\bpplx-[A-Za-z0-9]{40,60}\b"),
    secret("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,60}\b|\bapi_org_[A-Za-z0-9]{30,60}\b"),
    secret("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    secret("PyPI token", r"\bpypi-[A-Za-z0-9_\-]{16,300}", validity.random_looking),
    secret("RubyGems, Cargo or NuGet key", r"\brubygems_[0-9a-f]{48}\b|\bcio[A-Za-z0-9]{32}\b|\boy2[a-z0-9]{43}\b"),
    secret("SendGrid key", r"\bSG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{30,64}"),
    secret("Twilio key", r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    secret("Mailgun or Mailchimp key", r"\bkey-[0-9a-z]{32}\b|\b[0-9a-f]{32}-us\d{1,2}\b"),
    secret("Telegram bot token", r"\b\d{8,10}:AA[A-Za-z0-9_\-]{32,34}"),
    secret("Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    secret("Square token", r"\bsq0(?:atp|csp|idp)-[A-Za-z0-9_\-]{22,43}|\bEAAA[A-Za-z0-9_\-]{60}"),
    secret("DigitalOcean token", r"\bdo[por]_v1_[0-9a-f]{64}\b"),
    secret("HashiCorp token", r"\bhv[sbr]\.[A-Za-z0-9_\-]{20,300}|\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,70}"),
    secret("Databricks, Grafana, Linear, Notion, New Relic, Sentry or Figma token",
            r"\bdapi[0-9a-f]{32}(?:-\d)?\b|\bgl(?:sa|c)_[A-Za-z0-9+/=_]{32,400}|\blin_api_[A-Za-z0-9]{40}\b|\b(?:secret|ntn)_[A-Za-z0-9]{43,50}\b|"
            r"\bNRAK-[A-Z0-9]{27}\b|\bsntry[su]_[A-Za-z0-9+/=_]{40,300}|\bfig[dur]_[A-Za-z0-9_\-]{40}"),
    secret("Atlassian, Docker, Postman, Doppler, PlanetScale or Airtable token",
            r"\bATATT3[A-Za-z0-9_\-=]{100,300}|\bdckr_pat_[A-Za-z0-9_\-]{27}|\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b|\bdp\.(?:pt|st|ct|sa|scim|audit)\."
            r"[A-Za-z0-9.]{40,60}\b|\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_\-.=]{32,64}|\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"),
    secret(
        "Supabase, SonarQube, Netlify, Tavily, LlamaCloud, Alibaba, JFrog, Bitbucket, Clojars, Docker, Dynatrace or Fly token",
        r"\bsbp_(?:v0_)?[0-9a-f]{40}\b|\bsq[upa]_[0-9a-f]{40}\b|\bnf[pcboau]_[A-Za-z0-9]{36}\b|\btvly-[A-Za-z0-9\-]{24,60}\b|\bllx-[A-Za-z0-9_\-]{40,80}|"
        r"\bLTAI[A-Za-z0-9]{12,26}\b|\bAKCp[A-Za-z0-9]{60,90}\b|\bATBB[A-Za-z0-9]{30,40}\b|\bBBDC-[A-Za-z0-9+/]{40,60}|\bCLOJARS_[0-9a-f]{60}\b|"
        r"\bdckr_oat_[A-Za-z0-9_\-]{27,40}|\bSWM(?:TKN|KEY)-1-[A-Za-z0-9\-+/]{40,120}|\bdt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}\b|"
        r"\bFlyV1 fm\d[a-z]?_[A-Za-z0-9+/=,_]{40,900}|\bfo1_[A-Za-z0-9_\-]{40,50}",
    ),
    secret(
        "New Relic, Bedrock, Dropbox, Discord, Vercel, Replicate, Cohere, Fireworks, Pinecone or Tailscale key",
        r"\bNR(?:AK|II|JS|BR|RA)-[A-Za-z0-9_\-]{19,40}|\bABSK[A-Za-z0-9+/]{60,200}={0,2}|\bbedrock-api-key-[A-Za-z0-9+/=]{30,500}|\bsl\.[A-Za-z0-9_\-]{100,200}|"
        r"\b[MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}|\bvercel_[a-z]+_[A-Za-z0-9]{24,80}|\br8_[A-Za-z0-9]{37}\b|"
        r"\bfw_[A-Za-z0-9]{22,40}\b|\bpcsk_[A-Za-z0-9_]{50,90}|\btskey-[a-z]+-[A-Za-z0-9\-]{16,80}|\bdnkey-[A-Z0-9]{26}-[A-Z0-9]{52}\b",
    ),
    secret("Google OAuth client", r"\b\d{8,16}-[a-z0-9]{32}\.apps\.googleusercontent\.com", score=0.8),
    Detector(
        "assigned token",
        "api_key",
        "",
        r"(?i:(?:token|authorization|authentication|auth|oauth_signature|salt|credential|xoauth2_bearer)[a-z0-9_\-]{0,16}"
        rf"{_QUOTE}?\]? ?(?::=|=>|=|:|,) ?{_QUOTE}?)" + r"(?P<v>[A-Za-z0-9+/_\-.~]{14,500}={0,2})",
        validity.random_looking,
        (),
        0.75,
    ),
    Detector(
        "secret on a command line",
        "password",
        "",
        r"(?i: --?(?:password|passwd|pass|pw|secret|token|api-?key|auth-?token|access-?token|client-?secret)[ =][\"']?)(?P<v>[^\s\"'`,;<>]{4,200})",
        validity.password_value,
        (),
        0.8,
    ),
    secret("Azure storage key", r"\b[A-Za-z0-9+/]{86}=="),
    Detector(
        "SSH or PGP fingerprinted secret in JSON",
        "private_key",
        "",
        r"\"(?:d|k)\" ?: ?\"(?P<v>[A-Za-z0-9_\-]{42,700})\"",
        validity.random_looking,
        (),
        0.6,
    ),
)  # fmt: skip
