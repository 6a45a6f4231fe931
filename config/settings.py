"""Every setting once. Safe and working with nothing set; production refuses to start on a missing secret."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import make_conninfo

from config.env import SettingError, env_bool, env_int, env_list, env_path, env_str

BASE_DIR = Path(__file__).resolve().parent.parent

# ── What kind of installation ────────────────────────────────────────────────────────────
# PRODUCTION=true makes every secret mandatory; DEBUG shows tracebacks and the kit page.
PRODUCTION = env_bool("PRODUCTION", default=False)
DEBUG = env_bool("DEBUG", default=False)
VAR_DIR = Path(env_str("VAR_DIR", str(BASE_DIR / "var")))
BASE_URL = env_str("BASE_URL", "http://127.0.0.1:8000").rstrip("/")
CLICK_BASE_URL = env_str("CLICK_BASE_URL", "http://127.0.0.1:8001").rstrip("/")
CLICK_SPOOL_DIR = Path(env_str("CLICK_SPOOL_DIR", str(VAR_DIR / "spool")))
# Files of the operator's that tell clicks apart; a file that is not named is not asked.
GEOIP_PATH = env_path("GEOIP_PATH")
DATACENTERS_PATH = env_path("DATACENTERS_PATH")
CRAWLERS_PATH = env_path("CRAWLERS_PATH")
CLICK_ACTIVITY_LIMIT = env_int("CLICK_ACTIVITY_LIMIT", 600)
# Whole addresses of clicks are kept for so many days (0: for ever), then shortened, hashed or forgotten.
CLICK_IP_DAYS = env_int("CLICK_IP_DAYS", 90)
CLICK_IP_AFTERWARDS = env_str("CLICK_IP_AFTERWARDS", "shorten")
if CLICK_IP_AFTERWARDS not in {"shorten", "hash", "forget"}:
    raise SettingError(f"CLICK_IP_AFTERWARDS is {CLICK_IP_AFTERWARDS!r}. Use shorten, hash or forget.")
NETWORK_NAME = env_str("NETWORK_NAME", "Meridian")
NETWORK_INSTANCE = env_str("NETWORK_INSTANCE", "demo")

# Who is asked about merchants' own link hosts; nobody named: the system's resolver.
DNS_RESOLVERS = env_list("DNS_RESOLVERS", "")

# Product feeds: how large one may be, unpacked, and how long its address may take.
FEED_MOST_BYTES = env_int("FEED_MOST_BYTES", 50_000_000)
FEED_SECONDS = env_int("FEED_SECONDS", 60)

# Links may lead to this machine's own shop stand-in, except in production.
ALLOW_LOCAL_DESTINATIONS = not PRODUCTION

# ── Secrets ──────────────────────────────────────────────────────────────────────────────
_DEVELOPMENT_SECRET = "development-only-secret-key-never-use-in-production-0123456789"  # noqa: S105 - refused in production
SECRET_KEY = env_str("SECRET_KEY", None if PRODUCTION else _DEVELOPMENT_SECRET)
FIELD_ENCRYPTION_KEYS = env_list("FIELD_ENCRYPTION_KEYS")
if PRODUCTION and not FIELD_ENCRYPTION_KEYS:
    raise SettingError("FIELD_ENCRYPTION_KEYS is not set. Make one with: openssl rand -base64 32")

# Signs the published log of clicks and decisions: 32 random bytes in base64. Unset: derived from SECRET_KEY.
LOG_SIGNING_KEY = env_str("LOG_SIGNING_KEY", "")

# ── Stripe, or our own stand-in ──────────────────────────────────────────────────────────
STRIPE_SECRET_KEY = env_str("STRIPE_SECRET_KEY", None if PRODUCTION else "")
STRIPE_WEBHOOK_SECRET = env_str("STRIPE_WEBHOOK_SECRET", None if PRODUCTION else "whsec_standin")
if PRODUCTION and {SECRET_KEY, STRIPE_WEBHOOK_SECRET} & {_DEVELOPMENT_SECRET, "whsec_standin"}:
    raise SettingError(
        "SECRET_KEY or STRIPE_WEBHOOK_SECRET is the one of development, which everybody knows. Make your own."
    )
if PRODUCTION and DEBUG:
    raise SettingError("DEBUG shows secrets to visitors. Unset it, or unset PRODUCTION.")
STRIPE_IS_STANDIN = not STRIPE_SECRET_KEY
STRIPE_API_BASE = env_str("STRIPE_API_BASE", "http://127.0.0.1:8002" if STRIPE_IS_STANDIN else "")
STRIPE_ACCOUNTS_API = env_str("STRIPE_ACCOUNTS_API", "v2")
# How long a payout destination must have been known before money goes there (fault 24).
PAYOUT_METHOD_HOLD_DAYS = env_int("PAYOUT_METHOD_HOLD_DAYS", 7)
# The day of the month on which finance sends the run of the month before; what partners are told to expect.
PAYOUT_DAY = env_int("PAYOUT_DAY", 5)
# Below these amounts, in minor units, money stays payable until the next run.
PAYOUT_MINIMUMS = {"USD": 1_000, "EUR": 1_000, "GBP": 1_000, "JPY": 1_000, "CAD": 1_000, "CHF": 1_000}
# Stripe allows 25 requests a second per endpoint; stay under it.
PAYOUT_SENDS_PER_SECOND = env_int("PAYOUT_SENDS_PER_SECOND", 20)

# ── Claims ───────────────────────────────────────────────────────────────────────────────
# Order numbers are not to be guessed: so many questions "why not me?" may one partner ask an hour.
ORDER_QUESTIONS_PER_HOUR = env_int("ORDER_QUESTIONS_PER_HOUR", 30)
# For so many days a partner may take a declined claim to the network.
CLAIM_APPEAL_DAYS = env_int("CLAIM_APPEAL_DAYS", 30)

# ── Hosts and transport ──────────────────────────────────────────────────────────────────
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1],testserver")
if PRODUCTION and not ALLOWED_HOSTS:
    raise SettingError("ALLOWED_HOSTS is not set. List the host names this network answers to.")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", BASE_URL)
TRUSTED_PROXY_COUNT = env_int("TRUSTED_PROXY_COUNT", 0)
SECURE = env_bool("SECURE_TRANSPORT", default=BASE_URL.startswith("https://"))
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 63_072_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 60 * 60
X_FRAME_OPTIONS = "SAMEORIGIN"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    # Setting up payouts is a form that ends on Stripe's pages; browsers hold redirects to this list too.
    "form-action": [CSP.SELF, "https://connect.stripe.com", *([STRIPE_API_BASE] if STRIPE_IS_STANDIN else [])],
    "frame-ancestors": [CSP.SELF],
}

# Wagtail's admin still has inline scripts and styles (wagtail/roadmap#92).
SECURE_CSP_CMS = {
    **SECURE_CSP,
    "script-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:", "blob:"],
}

# ── The parts ────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "ledger",
    "affiliates",
    "tracking",
    "payouts",
    "portal",
    "cms",
    "pgtrigger",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.contrib.settings",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail_localize",
    "wagtail_localize.locales",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "django.contrib.sitemaps",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.middleware.SameForAllMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.middleware.PageLocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.middleware.SeenSessionsMiddleware",
    "portal.middleware.PolicyMiddleware",
    "portal.middleware.RefusalMiddleware",
    "portal.middleware.PrivatePagesMiddleware",
    "portal.middleware.CmsPagesMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
FORM_RENDERER = "portal.renderers.KitRenderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "portal" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "wagtail.contrib.settings.context_processors.settings",
                "portal.context.shell",
            ],
        },
    },
]

# ── The database: PostgreSQL, nothing else ───────────────────────────────────────────────
DATABASE_URL = env_str("DATABASE_URL", None if PRODUCTION else "postgresql://affiliate@/affiliate?host=/tmp")


def _database(url: str) -> dict[str, Any]:
    """Django's settings for a postgresql:// address; the query part is handed to libpq."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise SettingError("DATABASE_URL must begin with postgresql://. PostgreSQL is the only database.")
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = options.pop("host", parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": options.pop("port", str(parts.port or "")),
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {**options, "pool": {"min_size": 1, "max_size": env_int("DATABASE_POOL", 8), "timeout": 10}},
    }


DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── Tasks: the database holds the truth, the broker only carries hints ───────────────────
# Without a broker of its own the database carries the messages too (pgmq), so nothing else need run.
CELERY_BROKER_URL = env_str("CELERY_BROKER_URL", "") or "pgmq://"


def _pgmq_address(database: dict[str, Any]) -> str:
    """The database in libpq's own words: pgmq reads no host from an address's query, and wants every part."""
    options = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
    return make_conninfo(
        host=database["HOST"] or "localhost",
        port=database["PORT"] or "5432",
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"] or "none",
        **options,
    )


if CELERY_BROKER_URL == "pgmq://":
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "conn_string": _pgmq_address(DATABASES["default"]),
        "init_extension": False,
        "visibility_timeout": 1_000,
        "pool_size": 2,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 900

# ── People ───────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "affiliates.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/enter/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_FORMS = {
    "login": "portal.account_forms.LoginForm",
    "signup": "portal.account_forms.SignupForm",
    "request_login_code": "portal.account_forms.RequestLoginCodeForm",
    "add_email": "portal.account_forms.AddEmailForm",
    "reset_password": "portal.account_forms.ResetPasswordForm",
}
CSRF_FAILURE_VIEW = "portal.error_pages.csrf_failure"
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SECURE else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_TOTP_ISSUER = NETWORK_NAME
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
USERSESSIONS_TRACK_ACTIVITY = True

# ── Words and times ──────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese")), ("zh-hant", _("Traditional Chinese"))]
WAGTAIL_CONTENT_LANGUAGES = LANGUAGES
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
WAGTAIL_I18N_ENABLED = True
USE_TZ = True
TIME_ZONE = "UTC"

# ── Files ────────────────────────────────────────────────────────────────────────────────
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
# Until static files are collected they are served from where they lie; production insists on the manifest.
_HAS_MANIFEST = PRODUCTION or (STATIC_ROOT / "staticfiles.json").exists()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _HAS_MANIFEST
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_MANIFEST_STRICT = False
# In development nobody has to collect static files first.
WHITENOISE_USE_FINDERS = not PRODUCTION

# ── Mail ─────────────────────────────────────────────────────────────────────────────────
DEFAULT_FROM_EMAIL = env_str("DEFAULT_FROM_EMAIL", f"{NETWORK_NAME} <hello@network.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_URL = env_str("EMAIL_URL", None if PRODUCTION else "file:")


def _mailer(url: str) -> dict[str, object]:
    """Django's mailer for smtp://, smtps://, smtp+tls:// or file: addresses."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": parts.path or str(VAR_DIR / "mail")},
        }
    if parts.scheme not in {"smtp", "smtps", "smtp+tls"}:
        raise SettingError("EMAIL_URL must begin with smtp://, smtps://, smtp+tls:// or file:.")
    return {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": parts.hostname or "localhost",
            "port": parts.port or {"smtps": 465, "smtp+tls": 587}.get(parts.scheme, 25),
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "use_ssl": parts.scheme == "smtps",
            "use_tls": parts.scheme == "smtp+tls",
            "timeout": 20,
        },
    }


MAILERS = {"default": _mailer(EMAIL_URL)}

# ── Wagtail ──────────────────────────────────────────────────────────────────────────────
WAGTAIL_SITE_NAME = NETWORK_NAME
WAGTAILADMIN_BASE_URL = BASE_URL
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAIL_FRONTEND_LOGIN_URL = "/accounts/login/"
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
WAGTAILIMAGES_EXTENSIONS = ["gif", "jpg", "jpeg", "png", "webp", "avif", "svg"]
WAGTAILDOCS_SERVE_METHOD = "serve_view"
TAGGIT_CASE_INSENSITIVE = True

# ── Cache: one small table-free cache a process; nothing true lives in it ────────────────
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# ── Logs ─────────────────────────────────────────────────────────────────────────────────
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env_str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
        "django_tasks": {"level": "WARNING"},
        "wagtail": {"level": "WARNING"},
        "kombu.connection": {"level": "ERROR"},
    },
}

SILENCED_SYSTEM_CHECKS = [
    # The e-mail verification code flow supports resend on our own terms; HTTPS is the proxy's in development.
    *([] if SECURE else ["security.W004", "security.W008", "security.W012", "security.W016"]),
    # Wagtail's preview shows pages in a frame of the same origin; CSP's frame-ancestors says 'self'.
    "security.W019",
]
