"""Keys of clouds, hosters, and what runs on them: compute, storage, networks, vaults, registries."""

from ostiary.detection import validity
from ostiary.detection.secrets.checks import json_in_base64, user_and_password
from ostiary.detection.secrets.kind import HEX_32, HEX_64, LETTERS, QUOTE, URL_SAFE, UUID, Kind, named

_BASE64 = "[A-Za-z0-9+/]"

AMAZON = (
    Kind("aws_access_key", "AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b"),
    Kind("aws_unique_id", "AWS unique id", r"\b(?:AGPA|AIDA|AROA|ANPA|ANVA|AIPA|APKA|ASCA)[A-Z0-9]{16}\b", score=0.8),
    Kind("aws_secret_key", "AWS secret key", r"(?i:aws|amazon|secret)[A-Za-z0-9_ .\-]{0,30}[\"']?[ ]?[:=]+[ ]?[\"']?(?P<v>[A-Za-z0-9/+]{40})\b", valid=validity.random_looking, score=0.9),
    Kind("aws_session_token", "AWS session token", r"\b(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/%]{80,}={0,2}"),
    Kind("aws_bedrock_key", "Amazon Bedrock key", r"\bABSK[A-Za-z0-9+/]{60,}={0,2}|\bbedrock-api-key-[A-Za-z0-9+/=]{30,}"),
    Kind("aws_appsync_key", "AWS AppSync key", r"\bda2-[a-z0-9]{26}\b"),
    Kind("aws_mws_token", "Amazon MWS token", rf"\bamzn\.mws\.{UUID}\b"),
    Kind("aws_presigned_url", "AWS presigned URL", r"\bX-Amz-Signature=(?P<v>[0-9a-f]{64})\b", score=0.8),
    Kind("amazon_oauth_secret", "Login with Amazon secret", r"\bamzn1\.oa2-cs\.v1\.[0-9a-f]{64}\b"),
    Kind("amazon_refresh_token", "Login with Amazon token", r"\bAt(?:za|zr)\|[A-Za-z0-9_\-]{60,}"),
)  # fmt: skip

GOOGLE = (
    Kind("google_api_key", "Google API key", r"\bAIza[A-Za-z0-9_\-]{35}"),
    Kind("google_oauth_secret", "Google OAuth secret", r"\bGOCSPX-[A-Za-z0-9_\-]{20,}"),
    Kind("google_access_token", "Google access token", r"\bya29\.[A-Za-z0-9_\-.]{20,}"),
    Kind("google_refresh_token", "Google refresh token", r"\b1//0[A-Za-z0-9_\-]{40,}"),
    Kind("google_oauth_client", "Google OAuth client", r"\b\d{8,16}-[a-z0-9]{32}\.apps\.googleusercontent\.com", score=0.8),
    Kind("google_oauth_secret", "Google OAuth secret of the old form", r"\.apps\.googleusercontent\.com[\s\"',;:]{1,8}(?:(?i:client_?secret|secret)[\"' :=]{1,6})?(?P<v>[A-Za-z0-9_\-]{24})(?:$|[^A-Za-z0-9_\-])", valid=validity.random_looking, score=0.85),
    Kind("gcp_service_account_key", "Google service account key id", r"\"private_key_id\\{0,3}\"\s{0,4}:\s{0,4}\\{0,3}\"(?P<v>[0-9a-f]{40})\b", score=0.85),
    Kind("firebase_messaging_key", "Firebase messaging key", r"\bAAAA[A-Za-z0-9_\-]{7}:APA91b[A-Za-z0-9_\-]{100,}|\bAAAA[A-Za-z0-9_\-]{7}:[A-Za-z0-9_\-]{140}"),
    named("google_recaptcha_secret", "reCAPTCHA secret", "recaptcha", rf"6L{URL_SAFE}{{38}}", by="secret"),
)  # fmt: skip

MICROSOFT = (
    Kind("azure_storage_key", "Azure storage key", r"(?:^|[^A-Za-z0-9+/\-])(?P<v>[A-Za-z0-9+/]{86}==)"),
    Kind("azure_cosmos_key", "Azure Cosmos DB key", r"\b[A-Za-z0-9]{76}ACDb[A-Za-z0-9]{5}=="),
    Kind("azure_client_secret", "Microsoft Entra client secret", r"(?:^|[^A-Za-z0-9_~.\-])(?P<v>[A-Za-z0-9_~.\-]{3}[78]Q~[A-Za-z0-9_~.\-]{31,34})(?:$|[^A-Za-z0-9_~.\-])"),
    Kind("azure_devops_token", "Azure DevOps token", r"\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b"),
    named("azure_devops_token", "Azure DevOps token by name", "azure|devops|vsts|ado", "[a-z2-7]{52}"),
    Kind("azure_function_key", "Azure Functions key", r"\b[A-Za-z0-9_\-]{44}AzFu[A-Za-z0-9_\-]{5}[AQgw]=="),
    Kind("azure_search_key", "Azure AI Search key", r"\b[A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5}\b"),
    Kind("azure_service_bus_key", "Azure Service Bus, Event Hubs, Relay or IoT key", rf"\b{_BASE64}{{33}}(?:AIoT|ASb|AEh|ARm)[A-P]{_BASE64}{{5,6}}="),
    Kind("azure_redis_key", "Azure Cache key", r"\b[A-Za-z0-9]{33}AzCa[A-P][A-Za-z0-9]{5}="),
    Kind("azure_registry_key", "Azure container registry key", rf"\b{_BASE64}{{42}}\+ACR[A-D]{_BASE64}{{6}}"),
    Kind("azure_ai_key", "Azure AI key", r"\b[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{6,32}\b"),
    Kind("azure_sas_signature", "Azure shared access signature", r"\b(?:sv|se|sp|sr|st|spr)=[^\s\"'<>]{1,400}&sig=(?P<v>[A-Za-z0-9%+/]{43,}={0,2})"),
    Kind("azure_sas_signature", "Azure shared access token", r"\bSharedAccessSignature sr=[^\s\"'<>]{20,}"),
    Kind("azure_apim_key", "Azure subscription key", rf"(?i:Ocp-Apim-Subscription-Key{QUOTE}?\s{{0,3}}[:=,]\s{{0,3}}{QUOTE}?)(?P<v>[0-9a-fA-F]{{32}})\b"),
    Kind("azure_access_token", "Azure refresh token", r"\b0\.A[A-Za-z0-9_\-]{60,}\.[A-Za-z0-9_\-]{60,}|\b1\.A[A-Za-z0-9_\-]{60,}\.[A-Za-z0-9_\-]{60,}"),
)  # fmt: skip

HOSTERS = (
    Kind("alibaba_access_key", "Alibaba Cloud access key", r"\bLTAI[A-Za-z0-9]{12,26}\b"),
    Kind("alibaba_secret_key", "Alibaba Cloud secret beside its id", r"\bLTAI[A-Za-z0-9]{12,26}\b[\s\"',;:=]{1,8}(?P<v>[A-Za-z0-9]{30})\b", valid=validity.random_looking),
    named("alibaba_secret_key", "Alibaba Cloud secret", "ali(?:yun|baba|cloud)?", f"{LETTERS}{{30}}", by="secret"),
    Kind("tencent_access_key", "Tencent Cloud secret id", r"\bAKID[A-Za-z0-9]{32}\b"),
    named("tencent_secret_key", "Tencent Cloud secret key", "tencent|qcloud|secret_?key", f"{LETTERS}{{32}}", by="(?:key|secret)?"),
    Kind("huawei_access_key", "Huawei Cloud access key", r"\bHPUA[A-Z0-9]{16}\b"),
    Kind("digitalocean_token", "DigitalOcean token", r"\bdo[por]_v1_[0-9a-f]{64}\b"),
    Kind("digitalocean_spaces_key", "DigitalOcean Spaces key", r"\bDO00[A-Z0-9]{16}\b"),
    named("linode_token", "Linode token", "linode", HEX_64),
    named("vultr_key", "Vultr key", "vultr", "[A-Z0-9]{36}"),
    named("hetzner_token", "Hetzner token", "hetzner|hcloud", f"{LETTERS}{{64}}"),
    Kind("scaleway_access_key", "Scaleway access key", r"\bSCW[A-Z0-9]{17}\b"),
    named("scaleway_secret_key", "Scaleway secret key", "scaleway|scw", UUID, by="secret"),
    named("ovh_secret", "OVHcloud secret", "ovh", f"{LETTERS}{{32}}"),
    named("ibm_cloud_key", "IBM Cloud key", "ibm|bluemix|watson", f"{URL_SAFE}{{44}}"),
    Kind("yandex_token", "Yandex Cloud token", r"\bAQVN[A-Za-z0-9_\-]{35,38}|\by[0-3]_[A-Za-z0-9_\-]{55,58}|\bt1\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{86}|\bYC[A-Za-z0-9_\-]{38}\b"),
    Kind("heroku_key", "Heroku key", r"\bHRKU-(?:AA)?[A-Za-z0-9_\-]{36,60}"),
    named("heroku_key", "Heroku key by name", "heroku", UUID),
    named("cloudflare_token", "Cloudflare token", "cloudflare|cf", f"(?:{URL_SAFE}{{40}}|[0-9a-f]{{37}})"),
    Kind("cloudflare_token", "Cloudflare token with prefix", r"\bcf(?:k|ut|at)_[A-Za-z0-9]{40,}\b"),
    Kind("cloudflare_origin_key", "Cloudflare origin CA key", r"\bv1\.0-[0-9a-f]{24}-[0-9a-f]{146}\b"),
    named("fastly_token", "Fastly token", "fastly", f"{URL_SAFE}{{32}}"),
    named("akamai_secret", "Akamai EdgeGrid secret", "akamai|edgegrid|client", r"[A-Za-z0-9+/]{43}=", by="secret"),
    Kind("akamai_token", "Akamai EdgeGrid token", r"\bakab-[a-z0-9]{16}-[a-z0-9]{16}\b"),
    Kind("fly_token", "Fly.io token", r"\bFlyV1 fm\d[a-z]?_[A-Za-z0-9+/=,_]{40,}|\bfo1_[A-Za-z0-9_\-]{40,}"),
    Kind("render_key", "Render key", r"\brnd_[A-Za-z0-9]{28,}\b"),
    Kind("vercel_token", "Vercel token", r"\bvercel_[a-z]{2,12}_[A-Za-z0-9_]{24,}|\bvc[pikra]_[A-Za-z0-9]{56,}\b"),
    named("vercel_token", "Vercel token by name", "vercel", f"{LETTERS}{{24}}"),
    Kind("netlify_token", "Netlify token", r"\bnf[pcboau]_[A-Za-z0-9]{36}\b"),
    named("netlify_token", "Netlify token by name", "netlify", f"{URL_SAFE}{{40,46}}"),
    named("railway_token", "Railway token", "railway", UUID),
    named("dnsimple_token", "DNSimple token", "dnsimple", f"{LETTERS}{{32}}"),
    named("gandi_key", "Gandi key", "gandi", f"{LETTERS}{{24}}"),
    named("godaddy_key", "GoDaddy key", "godaddy", r"[A-Za-z0-9_]{37}"),
    Kind("scalingo_token", "Scalingo token", r"\btk-us-[A-Za-z0-9_\-]{48}"),
    Kind("backblaze_key", "Backblaze B2 key", r"\bK00\d[A-Za-z0-9+/]{27}(?:$|[^A-Za-z0-9+/])"),
    Kind("cloudinary_url", "Cloudinary URL", r"\bcloudinary://\d{10,20}:[A-Za-z0-9_\-]{20,40}@[a-z0-9_\-]{2,}"),
    Kind("tailscale_key", "Tailscale key", r"\btskey-[a-z]+-[A-Za-z0-9\-]{16,}"),
    Kind("defined_networking_key", "Defined Networking key", r"\bdnkey-[A-Z0-9]{26}-[A-Z0-9]{52}\b"),
    named("ngrok_token", "ngrok token", "ngrok", r"[A-Za-z0-9]{25,32}_[A-Za-z0-9]{19,24}", by="(?:key|token|auth)"),
    named("zerotier_token", "ZeroTier token", "zerotier|zt", f"{LETTERS}{{32}}"),
)  # fmt: skip

VAULTS = (
    Kind("vault_token", "HashiCorp Vault token", r"\bhv[sbr]\.[A-Za-z0-9_\-]{20,}"),
    named("vault_token", "HashiCorp Vault token of the old form", "vault", r"[sbr]\.[A-Za-z0-9]{24}"),
    Kind("terraform_token", "Terraform Cloud token", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,}"),
    Kind("pulumi_token", "Pulumi token", r"\bpul-[0-9a-f]{40}\b"),
    Kind("doppler_token", "Doppler token", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._\-]{40,}"),
    Kind("infisical_token", "Infisical token", r"\bst\.[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}\b"),
    Kind("onepassword_token", "1Password service account token", r"\bops_eyJ[A-Za-z0-9+/]{100,}={0,2}", valid=json_in_base64),
    Kind("onepassword_secret_key", "1Password secret key", r"\bA3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\b"),
    Kind("bitwarden_token", "Bitwarden token", rf"\b0\.{UUID}\.[A-Za-z0-9]{{30}}:[A-Za-z0-9+/]{{22}}=="),
    Kind("docker_hub_token", "Docker Hub token", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_\-]{27,}"),
    Kind("docker_swarm_token", "Docker Swarm token", r"\bSWMTKN-1-[a-z0-9]{40,}-[a-z0-9]{20,}|\bSWMKEY-1-[A-Za-z0-9+/]{40,}"),
    Kind("docker_config_auth", "Docker credentials", r"\"auth\\{0,3}\"\s{0,4}:\s{0,4}\\{0,3}\"(?P<v>[A-Za-z0-9+/]{8,}={0,2})\\{0,3}\"", valid=user_and_password, family="password", score=0.9),
    Kind("openshift_token", "OpenShift token", r"\bsha256~[A-Za-z0-9_\-]{43}"),
    Kind("rancher_token", "Rancher token", r"\btoken-[a-z0-9]{5}:[a-z0-9]{54}\b"),
    named("kubernetes_bootstrap_token", "Kubernetes bootstrap token", "bootstrap|kubeadm|join", r"[a-z0-9]{6}\.[a-z0-9]{16}", by="token"),
    Kind("consul_token", "Consul or Nomad token", rf"(?i:\b(?:CONSUL_HTTP|NOMAD|X-Consul|X-Nomad)[_\-]token{QUOTE}?\s{{0,3}}[:=]\s{{0,3}}{QUOTE}?)(?P<v>{UUID})\b", score=0.9),
    named("jumpcloud_key", "JumpCloud key", "jumpcloud", "(?:jca_[A-Za-z0-9]{36}|[0-9a-f]{40})"),
)  # fmt: skip

DATABASES = (
    Kind("supabase_key", "Supabase key", r"\bsbp_(?:v0_|oauth_)?[0-9a-f]{40}\b|\bsb_secret_[A-Za-z0-9_\-]{28,}"),
    Kind("planetscale_token", "PlanetScale token", r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_\-.=]{32,}"),
    Kind("neon_key", "Neon key", r"\bnapi_[a-z0-9]{48,}\b|\bnpg_[A-Za-z0-9]{12,}\b"),
    Kind("mongodb_atlas_secret", "MongoDB Atlas secret", r"\bmdb_sa_sk_[A-Za-z0-9_\-]{40}"),
    named("mongodb_atlas_key", "MongoDB Atlas key", "atlas|mongodb", UUID),
    Kind("databricks_token", "Databricks token", r"\bdapi[0-9a-f]{32}(?:-\d)?\b|\bdose[0-9a-f]{32}\b"),
    named("confluent_secret", "Confluent secret", "confluent|kafka", "[A-Za-z0-9+/]{64}", by="secret"),
    named("upstash_token", "Upstash token", "upstash|kv_rest_api", r"[A-Za-z0-9_\-]{40,}={0,2}", by="token"),
    Kind("cockroachdb_key", "CockroachDB Cloud key", r"\bCCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}\b"),
    Kind("tinybird_token", "Tinybird token", r"\bp\.eyJ[A-Za-z0-9_\-]{30,}\.[A-Za-z0-9_\-]{30,}", valid=json_in_base64),
    Kind("clickhouse_key", "ClickHouse Cloud key", r"\b4b1d[A-Za-z0-9]{38}\b"),
    Kind("aiven_token", "Aiven credentials", r"\bAVNS_[A-Za-z0-9_\-]{16,}"),
    Kind("airtable_token", "Airtable token", r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"),
    named("airtable_token", "Airtable key", "airtable", "key[A-Za-z0-9]{14}"),
    named("algolia_key", "Algolia key", "algolia", HEX_32),
    named("elastic_key", "Elastic key", "elastic|kibana|es", r"[A-Za-z0-9_\-]{20}:[A-Za-z0-9_\-]{22}|[A-Za-z0-9+/]{58,60}={1,2}"),
    named("meilisearch_key", "Meilisearch or Typesense key", "meili|typesense", f"{LETTERS}{{32,64}}"),
    named("snowflake_key", "Snowflake secret", "snowflake", rf"{URL_SAFE}{{20,}}", by="(?:secret|token)"),
    named("couchbase_key", "Couchbase key", "couchbase|capella", "[A-Za-z0-9+/]{48,88}={0,2}"),
)  # fmt: skip

KINDS = (*AMAZON, *GOOGLE, *MICROSOFT, *HOSTERS, *VAULTS, *DATABASES)
