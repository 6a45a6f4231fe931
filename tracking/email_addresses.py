"""What an e-mail address tells by itself: the same person's other spellings, its own domain, and whether it is
made to be thrown away. Pure; nothing here keeps an address.
"""

import math
import re
from functools import cache
from pathlib import Path
from typing import Final

ORDINARY: Final = "ordinary"
DISPOSABLE: Final = "disposable"
RANDOM: Final = "random"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Anybody may have an address there, so sharing the domain says nothing.
FREE_DOMAINS: Final = _words(
    """
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com outlook.de outlook.fr outlook.jp hotmail.co.uk
    hotmail.de hotmail.fr hotmail.it hotmail.es live.de live.fr live.co.uk live.nl yahoo.com ymail.com
    rocketmail.com yahoo.co.uk yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.co.jp yahoo.co.in yahoo.com.br aol.com
    icloud.com me.com mac.com proton.me protonmail.com pm.me tutanota.com tuta.com tuta.io gmx.de gmx.net gmx.com
    gmx.at gmx.ch web.de t-online.de freenet.de posteo.de mailbox.org arcor.de mail.de email.de 1und1.de mail.com
    email.com usa.com zoho.com fastmail.com fastmail.fm hey.com hushmail.com mail.ru bk.ru inbox.ru list.ru
    yandex.ru yandex.com ya.ru rambler.ru ukr.net i.ua seznam.cz email.cz centrum.cz wp.pl o2.pl onet.pl interia.pl
    op.pl gazeta.pl abv.bg libero.it virgilio.it alice.it tiscali.it tin.it fastwebnet.it orange.fr wanadoo.fr
    free.fr laposte.net sfr.fr neuf.fr bbox.fr numericable.fr telefonica.net terra.es ya.com sapo.pt bol.com.br
    uol.com.br terra.com.br ig.com.br qq.com 163.com 126.com yeah.net sina.com sina.cn sohu.com foxmail.com 139.com
    189.cn aliyun.com naver.com daum.net hanmail.net nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp i.softbank.jp
    au.com nifty.com rediffmail.com comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net
    earthlink.net optonline.net btinternet.com sky.com talktalk.net virginmedia.com ntlworld.com blueyonder.co.uk
    ziggo.nl kpnmail.nl planet.nl xs4all.nl home.nl hetnet.nl skynet.be telenet.be proximus.be bluewin.ch sunrise.ch
    hispeed.ch a1.net aon.at chello.at telia.com bredband.net online.no tdc.dk bigpond.com optusnet.com.au shaw.ca
    rogers.com sympatico.ca telus.net xtra.co.nz duck.com simplelogin.com privaterelay.appleid.com mozmail.com
    anonaddy.me
    """
)

#: Addresses of people who hide their own from shops: drawn by chance, and honest.
MASKED_DOMAINS: Final = _words(
    """
    privaterelay.appleid.com icloud.com duck.com mozmail.com simplelogin.com anonaddy.me addy.io passmail.net
    """
)

# Frequent pairs of letters in names and words: Norvig, English Letter Frequency Counts, the first fifty, and pairs
# that are frequent in names of other languages.
_PAIRS: Final = _words(
    """
    th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro
    ic ne ea ra ce li ch ll be ma si om ur ja jo ie el la sa ka ki na no mi ya yu ko so ta lu lo da do di mo ni ho
    wa am ad et il us ut un em ol ul ab ac ag ap av id ig im ir iv ke ca pe pa po su sh ee oo tt ss nn rc ci ia ry
    gr br tr cr ck sk ow ey ay ai ei au ui ff rr mm ny ly ub bo oi uc iz za ez cz rz sz ik kl pr fr fe fi lt ls lb
    ld rt rd rg rm rl rs rn ns nc nk sc sm vi va gi ga ge gu bi ba pi ru bu mu tu zi ue oe ae ov ev
    """
)
#: How many of a hundred pairs are frequent in names and by chance; what two parts and digits within say (as log odds).
_IN_NAMES, _BY_CHANCE, _FOR_TWO_PARTS, _FOR_DIGITS_WITHIN = 0.80, 0.24, 6.0, -1.8
_LIMIT = -2.0
_DIGITS_WITHIN = re.compile(r"[a-z](?=[0-9]+[a-z])")


def alike(address: str) -> str:
    """One spelling for all of a person's: small letters, without the +tag, without dots before the @."""
    name, _at, domain = address.strip().casefold().rpartition("@")
    if domain == "googlemail.com":
        domain = "gmail.com"
    return f"{name.split('+')[0].replace('.', '')}@{domain}"


def own_domain_of(address: str) -> str:
    """The address's domain when not anybody can have one there, else an empty text."""
    domain = address.strip().casefold().rpartition("@")[2]
    return "" if domain in FREE_DOMAINS or domain in disposable_domains() else domain


def kind_of_address(address: str) -> str:
    """ORDINARY, DISPOSABLE (its domain gives addresses away by the minute) or RANDOM (its name looks drawn by chance)."""
    name, _at, domain = address.strip().casefold().rpartition("@")
    listed = disposable_domains()
    parts = domain.split(".")
    if any(".".join(parts[place:]) in listed for place in range(len(parts) - 1)):
        return DISPOSABLE
    return RANDOM if domain not in MASKED_DOMAINS and looks_random(name) else ORDINARY


def looks_random(name: str) -> bool:
    """Whether a name of nine signs and more is unlike a person's: the log-likelihood ratio of its pairs of letters.

    Digits between letters speak against it, since a person's stand at the end; two parts, as people write
    their names, speak for it.
    """
    own = name.casefold().split("+")[0]
    plain = re.sub(r"[^a-z0-9]", "", own)
    if len(plain) < 9:
        return False
    pairs = [plain[place : place + 2] for place in range(len(plain) - 1)]
    usual, rare = math.log(_IN_NAMES / _BY_CHANCE), math.log((1 - _IN_NAMES) / (1 - _BY_CHANCE))
    score = sum(usual if pair in _PAIRS else rare for pair in pairs if pair.isalpha())
    score += _FOR_DIGITS_WITHIN * len(_DIGITS_WITHIN.findall(plain))
    if sum(len(part) >= 3 and part.isalpha() for part in re.split(r"[._-]", own)) >= 2:
        score += _FOR_TWO_PARTS
    return score < _LIMIT


@cache
def disposable_domains() -> frozenset[str]:
    """The list beside this file, one domain a line."""
    text = (Path(__file__).parent / "disposable_domains.txt").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
