"""Keys that move money: payment, shops' carriers, exchanges, wallets."""

from ostiary.detection.secrets.checks import base58_checked
from ostiary.detection.secrets.kind import HEX_32, HEX_40, LETTERS, URL_SAFE, UUID, Kind, named

_BASE58 = "[1-9A-HJ-NP-Za-km-z]"

PAYMENT = (
    Kind("stripe_secret_key", "Stripe secret key", r"\bsk_(?:live|test|prod)_[A-Za-z0-9]{10,}\b"),
    Kind("stripe_restricted_key", "Stripe restricted key", r"\brk_(?:live|test|prod)_[A-Za-z0-9]{10,}\b"),
    Kind("stripe_publishable_key", "Stripe publishable key", r"\bpk_(?:live|test|prod)_[A-Za-z0-9]{10,}\b", score=0.8),
    Kind("stripe_webhook_secret", "Stripe webhook secret", r"\bwhsec_[A-Za-z0-9+/=]{24,}"),
    Kind("square_token", "Square token", r"\bsq0(?:atp|csp|idp|csb)-[A-Za-z0-9_\-]{22,}|\bEAAA[A-Za-z0-9_\-]{60}(?:$|[^A-Za-z0-9_\-])"),
    Kind("braintree_token", "Braintree token", r"\baccess_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[0-9a-f]{32}\b"),
    named("paypal_secret", "PayPal secret", "paypal", f"[AE]{URL_SAFE}{{79}}"),
    Kind("adyen_key", "Adyen key", r"\bAQE[a-z][A-Za-z0-9+/=]{60,}-[A-Za-z0-9+/=]{30,}-[A-Za-z0-9&?<>\[\]{}()^%$#@!*.,:;+~|_\-]{10,}"),
    Kind("plaid_token", "Plaid token", rf"\b(?:access|public|link)-(?:sandbox|development|production)-{UUID}\b"),
    named("plaid_secret", "Plaid secret", "plaid", "[0-9a-f]{30}"),
    Kind("razorpay_key", "Razorpay key", r"\brzp_(?:live|test)_[A-Za-z0-9]{14}\b"),
    Kind("flutterwave_key", "Flutterwave key", r"\bFLW(?:SECK|PUBK)(?:_TEST)?-[0-9a-zA-Z]{12,32}(?:-X)?\b"),
    Kind("mollie_key", "Mollie key", r"\b(?:live|test)_[A-Za-z0-9]{30}\b"),
    Kind("gocardless_token", "GoCardless token", r"\b(?:live|sandbox)_[A-Za-z0-9_\-]{40}(?:$|[^A-Za-z0-9_\-])", score=0.8),
    Kind("paddle_key", "Paddle key", r"\bpdl_(?:live|sdbx)_(?:apikey|ntfset)_[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3}\b"),
    Kind("checkout_key", "Checkout.com key", r"\bsk_(?:sbox_)?[a-z0-9]{26}[a-z0-9*#$=]\b"),
    Kind("xendit_key", "Xendit key", r"\bxnd_(?:development|production)_[A-Za-z0-9]{40,}\b"),
    Kind("midtrans_key", "Midtrans key", r"\b(?:SB-)?Mid-(?:server|client)-[A-Za-z0-9_\-]{16,}"),
    Kind("mercadopago_token", "Mercado Pago token", r"\bAPP_USR-\d{12,20}-\d{6}-[0-9a-f]{32}-\d{6,12}\b"),
    Kind("asaas_key", "Asaas key", r"\$aact_(?:prod_|hmlg_)?[A-Za-z0-9+/=:]{60,}"),
    named("wise_token", "Wise token", "wise|transferwise", UUID),
    named("chargebee_key", "Chargebee key", "chargebee", r"(?:live|test)_[A-Za-z0-9]{30,}"),
    named("recurly_key", "Recurly key", "recurly", HEX_32),
    named("taxjar_key", "TaxJar key", "taxjar", HEX_32),
    named("worldpay_key", "Worldpay key", "worldpay", r"[TL]_[SC]_[0-9a-f\-]{36}"),
    Kind("easypost_key", "EasyPost key", r"\bEZ[AT]K[A-Za-z0-9]{54}\b"),
    Kind("shippo_token", "Shippo token", r"\bshippo_(?:live|test)_[0-9a-f]{40}\b"),
    Kind("lob_key", "Lob key", r"\b(?:live|test)_(?:pub_)?[0-9a-f]{35}\b|\b(?:live|test)_pub_[0-9a-f]{31}\b"),
    Kind("duffel_token", "Duffel token", r"\bduffel_(?:test|live)_[A-Za-z0-9_\-=]{43,}"),
    Kind("revenuecat_key", "RevenueCat key", r"\b(?:appl|goog|strp)_[A-Za-z]{28,32}\b", score=0.8),
    Kind("ramp_token", "Ramp or Brex token", r"\b(?:ramp_(?:id|sec|tok)_[A-Za-z0-9]{36,}|bxt_[A-Za-z0-9]{36,})\b"),
)  # fmt: skip

COINS = (
    Kind("bip32_private_key", "extended private key", rf"\b[xyztuv]prv{_BASE58}{{107,108}}\b", family="private_key", valid=base58_checked, score=0.99),
    Kind("bitcoin_private_key", "Bitcoin private key", rf"\b[5KL9c]{_BASE58}{{50,51}}\b", family="private_key", valid=base58_checked, score=0.97),
    named("ethereum_private_key", "Ethereum private key", "eth|wallet|private|deployer|signer|account|mnemonic", "(?:0x)?[0-9a-fA-F]{64}", by="key"),
    named("coinbase_key", "Coinbase key", "coinbase", f"{LETTERS}{{64}}|{LETTERS}{{16}}|[A-Za-z0-9+/]{{86}}=="),
    named("binance_key", "Binance key", "binance", f"{LETTERS}{{64}}"),
    named("kraken_key", "Kraken key", "kraken", "[A-Za-z0-9+/]{80,90}={0,2}|[A-Za-z0-9+/]{56}"),
    named("kucoin_secret", "KuCoin, Bybit or OKX secret", "kucoin|bybit|okx|okex|huobi|bitfinex|bittrex|bitmex", f"{UUID}|{LETTERS}{{18}}|{LETTERS}{{32,48}}"),
    named("infura_key", "Infura key", "infura", HEX_32),
    Kind("infura_key", "Infura URL", r"\binfura\.io/(?:ws/)?v3/(?P<v>[0-9a-f]{32})\b"),
    Kind("alchemy_key", "Alchemy URL", r"\balchemy(?:api)?\.(?:com|io)/v2/(?P<v>[A-Za-z0-9_\-]{20,40})"),
    named("etherscan_key", "Etherscan key", "(?:ether|bsc|polygon|arbi)scan", "[A-Z0-9]{34}"),
    named("quicknode_key", "QuickNode key", "quicknode|quiknode", HEX_40),
)  # fmt: skip

KINDS = (*PAYMENT, *COINS)
