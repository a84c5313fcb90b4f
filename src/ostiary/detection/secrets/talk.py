"""Keys of what carries messages and of whom one sells to: chat, mail, telephony, social networks, customers, identity."""

from ostiary.detection.secrets.kind import HEX_32, HEX_40, HEX_64, LETTERS, URL_SAFE, UUID, Kind, named

CHAT = (
    Kind("slack_bot_token", "Slack bot token", r"\bxoxb-[A-Za-z0-9\-]{10,}"),
    Kind("slack_user_token", "Slack user token", r"\bxox[ps]-[A-Za-z0-9\-]{10,}"),
    Kind("slack_token", "Slack token", r"\bxox[aeor]-[A-Za-z0-9\-]{10,}|\bxoxe\.xox[bp]-\d-[A-Za-z0-9\-]{30,}|\bxox[cd]-[A-Za-z0-9%\-]{20,}"),
    Kind("slack_app_token", "Slack app token", r"\bxapp-\d-[A-Za-z0-9\-]{10,}"),
    Kind("slack_webhook", "Slack webhook", r"\bhooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/+]{20,}"),
    Kind("discord_webhook", "Discord webhook", r"\bdiscord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{15,22}/[A-Za-z0-9_\-]{50,}"),
    Kind("discord_bot_token", "Discord bot token", r"\b[MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}"),
    named("discord_secret", "Discord client secret", "discord", f"{URL_SAFE}{{32}}", by="secret"),
    Kind("telegram_bot_token", "Telegram bot token", r"\b\d{8,10}:AA[A-Za-z0-9_\-]{32,34}"),
    Kind("teams_webhook", "Microsoft Teams webhook", rf"\bwebhook\.office\.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/[0-9a-f]{{32}}/[A-Za-z0-9\-/_]{{36,}}"),
    Kind("teams_webhook", "Power Automate webhook", r"\blogic\.azure\.com(?::443)?/(?:workflows|powerautomate)[^\s\"'<>]{1,300}[?&]sig=[A-Za-z0-9_\-]{30,}"),
    Kind("google_chat_webhook", "Google Chat webhook", r"\bchat\.googleapis\.com/v1/spaces/[A-Za-z0-9_\-]{6,}/messages\?[^\s\"'<>]{0,200}token=[A-Za-z0-9_\-%]{20,}"),
    named("mattermost_token", "Mattermost token", "mattermost", "[a-z0-9]{26}"),
    Kind("matrix_token", "Matrix token", r"\bsyt_[A-Za-z0-9+/_\-]{2,}_[A-Za-z]{20}_[A-Za-z0-9]{6}\b"),
    named("zulip_key", "Zulip key", "zulip", f"{LETTERS}{{32}}"),
    named("line_token", "LINE channel secret", r"\bline", f"{HEX_32}|[A-Za-z0-9+/]{{160,}}={{0,2}}", by="(?:channel|notify|messaging)"),
    named("gitter_token", "Gitter token", "gitter", HEX_40),
    named("rocketchat_token", "Rocket.Chat token", "rocket_?chat", f"{URL_SAFE}{{43}}"),
    Kind("webex_token", "Webex token", rf"\b[A-Za-z0-9_\-]{{60,68}}_(?:P[A-Z0-9]\d\d_)?{UUID}\b", score=0.8),
)  # fmt: skip

MAIL = (
    Kind("sendgrid_key", "SendGrid key", r"\bSG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{30,64}"),
    Kind("mailgun_key", "Mailgun key", r"\bkey-[0-9a-z]{32}\b|\b[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b"),
    named("mailgun_key", "Mailgun key by name", "mailgun", HEX_32),
    Kind("mailchimp_key", "Mailchimp key", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    named("mailchimp_key", "Mailchimp key by name", "mailchimp", r"[0-9A-Za-z]{32}-us\d{1,2}", by=""),
    Kind("mandrill_key", "Mandrill key", r"\bmd-[A-Za-z0-9_\-]{22}(?:$|[^A-Za-z0-9_\-])", score=0.85),
    Kind("brevo_key", "Brevo key", r"\bxkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}\b|\bxsmtpsib-[0-9a-f]{64}-[A-Za-z0-9]{16}\b"),
    named("postmark_token", "Postmark token", "postmark", UUID),
    named("sparkpost_key", "SparkPost key", "sparkpost", HEX_40),
    named("mailjet_key", "Mailjet key", "mailjet|mj", HEX_32),
    Kind("resend_key", "Resend key", r"\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}\b"),
    Kind("mailersend_token", "MailerSend token", r"\bmlsn\.[0-9a-f]{64}\b"),
    named("customerio_key", "Customer.io key", r"customer_?\.?io|cio", HEX_32),
    Kind("klaviyo_key", "Klaviyo key", r"\bpk_[0-9a-f]{34}\b"),
    named("sendbird_token", "Sendbird token", "sendbird", f"{HEX_40}|{UUID}"),
    named("activecampaign_key", "ActiveCampaign key", "active_?campaign", HEX_64),
    named("convertkit_key", "Kit key", "convertkit", f"{URL_SAFE}{{22,43}}"),
    named("hunter_key", "Hunter key", "hunter", HEX_40),
)  # fmt: skip

TELEPHONY = (
    Kind("twilio_key", "Twilio key", r"\bSK[0-9a-fA-F]{32}\b"),
    Kind("twilio_account", "Twilio account", r"\bAC[0-9a-fA-F]{32}\b"),
    named("twilio_token", "Twilio token", "twilio", f"{HEX_32}|{LETTERS}{{32}}"),
    named("vonage_secret", "Vonage secret", "vonage|nexmo", f"{LETTERS}{{16}}", by="secret"),
    named("plivo_token", "Plivo token", "plivo", f"{LETTERS}{{40}}|[A-Za-z0-9]{{56}}"),
    named("messagebird_key", "MessageBird key", "message_?bird", f"{LETTERS}{{25}}"),
    named("telnyx_key", "Telnyx key", "telnyx", r"KEY[0-9A-Z]{32}_[A-Za-z0-9]{22}"),
    Kind("onesignal_key", "OneSignal key", r"\bos_v2_(?:app|org)_[a-z2-7]{80,}\b"),
    named("pushover_token", "Pushover token", "pushover", "[a-z0-9]{30}"),
    named("pusher_secret", "Pusher secret", "pusher", "[0-9a-f]{20}"),
    Kind("pubnub_key", "PubNub key", rf"\bsec-c-[A-Za-z0-9]{{48}}|\b(?:sub|pub)-c-{UUID}\b"),
    Kind("ably_key", "Ably key", r"\b[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{6}:[A-Za-z0-9_\-]{43}(?:$|[^A-Za-z0-9_\-])"),
    named("agora_secret", "Agora certificate", "agora", HEX_32, by="(?:cert|key|secret)"),
    Kind("livekit_key", "LiveKit key", r"\bAPI[A-Za-z0-9]{12}\b[\s\"':=,]{1,8}(?P<v>[A-Za-z0-9]{43,44})\b"),
    named("daily_key", "Daily or Zoom secret", "zoom|daily_api", f"{LETTERS}{{32,64}}", by="(?:secret|key)"),
)  # fmt: skip

SOCIAL = (
    Kind("facebook_token", "Facebook token", r"\bEAA[A-Za-z0-9]{90,}\b"),
    Kind("facebook_app_token", "Facebook app token", r"\b\d{15,17}\|[A-Za-z0-9_\-]{27}(?:$|[^A-Za-z0-9_\-])"),
    named("facebook_secret", "Facebook secret", r"facebook|\bfb|meta_app", HEX_32),
    Kind("instagram_token", "Instagram token", r"\bIG[A-Z]{2}[A-Za-z0-9_\-]{60,}"),
    Kind("twitter_bearer_token", "X bearer token", r"\bA{18,25}[A-Za-z0-9%]{50,}"),
    named("twitter_secret", "X secret", r"twitter|\bx_api", rf"\d{{6,20}}-{LETTERS}{{40}}|{LETTERS}{{25}}|{LETTERS}{{45}}|{LETTERS}{{50}}"),
    named("linkedin_secret", "LinkedIn secret", "linked_?in", f"{LETTERS}{{16}}"),
    Kind("linkedin_secret", "LinkedIn secret with prefix", r"\bWPL_AP\d\.[A-Za-z0-9]{16}\.[A-Za-z0-9+/=]{8}"),
    named("twitch_token", "Twitch token", "twitch", "[a-z0-9]{30}"),
    Kind("twitch_token", "Twitch chat token", r"\boauth:[a-z0-9]{30}\b"),
    named("spotify_secret", "Spotify secret", "spotify", HEX_32),
    named("reddit_secret", "Reddit secret", "reddit", f"{URL_SAFE}{{27,30}}"),
    named("strava_secret", "Strava secret", "strava", HEX_40),
    named("flickr_key", "Flickr key", "flickr", f"{HEX_32}|[0-9a-f]{{16}}"),
    named("tiktok_secret", "TikTok secret", "tiktok", f"{LETTERS}{{32,40}}"),
    named("vimeo_token", "Vimeo token", "vimeo", HEX_32),
    named("steam_key", "Steam key", "steam", "[0-9A-F]{32}"),
)  # fmt: skip

CUSTOMERS = (
    Kind("hubspot_token", "HubSpot token", rf"\bpat-(?:na|eu|ap)\d-{UUID}\b"),
    named("hubspot_token", "HubSpot key", "hubspot|hapi", UUID),
    Kind("salesforce_token", "Salesforce token", r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{60,}"),
    Kind("salesforce_consumer_key", "Salesforce consumer key", r"\b3MVG9[A-Za-z0-9._]{75,}"),
    named("zendesk_token", "Zendesk token", "zendesk", f"{LETTERS}{{40}}"),
    Kind("intercom_token", "Intercom token", r"\bdG9r[A-Za-z0-9+/]{55,60}={0,2}"),
    named("pipedrive_token", "Pipedrive token", "pipedrive", HEX_40),
    named("freshdesk_key", "Freshdesk key", "fresh(?:desk|works|service)", f"{LETTERS}{{18,22}}"),
    named("calendly_token", "Calendly token", "calendly", r"eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}"),
    named("surveymonkey_token", "SurveyMonkey token", "survey_?monkey", r"[A-Za-z0-9_\-.]{80,}"),
    named("docusign_secret", "DocuSign secret", "docu_?sign", UUID, by="(?:secret|key)"),
    Kind("zoho_token", "Zoho token", r"\b1000\.[0-9a-f]{32}\.[0-9a-f]{32}\b"),
    Kind("shopify_token", "Shopify token", r"\bshp(?:at|ca|pa|ss|it|ua)_[0-9a-fA-F]{32}\b"),
    Kind("ebay_secret", "eBay secret", r"\b(?:PRD|SBX)-[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b"),
    named("etsy_key", "Etsy key", "etsy", "[a-z0-9]{24}"),
    Kind("bigcommerce_token", "BigCommerce token", r"(?i:\bX-Auth-Token[\"']?\s{0,3}[:=,]\s{0,3}[\"']?)(?P<v>[a-z0-9]{28,40})\b", score=0.85),
    Kind("woocommerce_key", "WooCommerce key", r"\bc[ks]_[0-9a-f]{40}\b"),
)  # fmt: skip

IDENTITY = (
    Kind("okta_token", "Okta token", r"\bSSWS (?P<v>00[A-Za-z0-9_\-]{40})"),
    named("okta_token", "Okta token by name", "okta", f"00{URL_SAFE}{{40}}|{URL_SAFE}{{40}}"),
    named("auth0_secret", "Auth0 secret", "auth0", f"{URL_SAFE}{{64}}|{URL_SAFE}{{32}}"),
    named("onelogin_secret", "OneLogin secret", "onelogin", HEX_64),
    named("duo_secret", "Duo secret", r"\bduo", f"{LETTERS}{{40}}"),
    Kind("stytch_secret", "Stytch secret", r"\bsecret-(?:test|live)-[A-Za-z0-9_\-]{36}=?"),
    Kind("persona_key", "Persona key", rf"\bpersona_(?:sandbox|production)_{UUID}\b"),
    named("fusionauth_key", "FusionAuth or Keycloak secret", "fusion_?auth|keycloak", f"{LETTERS}{{32}}|{URL_SAFE}{{64}}|{UUID}"),
    Kind("workos_key", "WorkOS key", r"\bsk_(?:live|test)?_?a2V5X[A-Za-z0-9+/=,_]{20,}"),
)  # fmt: skip

KINDS = (*CHAT, *MAIL, *TELEPHONY, *SOCIAL, *CUSTOMERS, *IDENTITY)
