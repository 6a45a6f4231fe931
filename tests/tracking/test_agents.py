"""Which follows are a person's."""

import pytest

from tracking.agents import COUNTED, Judgement, judge_agent

BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 SamsungBrowser/25.0 Chrome/121.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50 NetType/WIFI",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Version/4.0 Chrome/118.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/440.0]",
    "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
]
BOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0 Safari/537.36",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0)",
    "Mozilla/5.0 AppleWebKit/537.36; compatible; GPTBot/1.2; +https://openai.com/gptbot",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Twitterbot/1.0",
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/131.0 Safari/537.36",
    "curl/8.10.1",
    "Wget/1.24.5",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
    "okhttp/4.12.0",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    "ia_archiver",
]


@pytest.mark.parametrize("agent", BROWSERS)
def test_browsers_count(agent):
    assert judge_agent("GET", agent, fetch_dest="document") == COUNTED


@pytest.mark.parametrize("agent", BOTS)
def test_programs_do_not_count(agent):
    assert judge_agent("GET", agent) == Judgement(is_counted=False, reason="bot")


@pytest.mark.parametrize(
    ("judgement", "reason"),
    [
        (judge_agent("HEAD", BROWSERS[0]), "head_request"),
        (judge_agent("GET", BROWSERS[0], sec_purpose="prefetch"), "prefetch"),
        (judge_agent("GET", BROWSERS[0], sec_purpose="prefetch;prerender"), "prefetch"),
        (judge_agent("GET", BROWSERS[0], purpose="Preview"), "prefetch"),
        (judge_agent("GET", BROWSERS[0], x_moz="prefetch"), "prefetch"),
        (judge_agent("GET", BROWSERS[0], fetch_dest="image"), "not_a_page"),
        (judge_agent("GET", BROWSERS[0], fetch_dest="iframe"), "not_a_page"),
        (judge_agent("GET", ""), "no_user_agent"),
        (judge_agent("GET", None), "no_user_agent"),
    ],
)
def test_a_request_that_shows_nothing_to_a_person_does_not_count(judgement, reason):
    assert judgement == Judgement(is_counted=False, reason=reason)


def test_another_purpose_counts():
    assert judge_agent("GET", BROWSERS[0], purpose="something-new") == COUNTED
