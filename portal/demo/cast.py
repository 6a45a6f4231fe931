"""Who is in the demo: three merchants in three currencies, forty affiliates, and the people of the network."""

from dataclasses import dataclass

PASSWORD = "meridian-demo-2026"  # noqa: S105 - printed for everybody who starts the demo


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant, its program, and what its orders are like (typical price in major units)."""

    slug: str
    name: str
    currency: str
    country: str
    time_zone: str
    program: str
    summary: str
    first_rate: str
    later_rate: str
    window_days: int
    hold_days: int
    typical: int
    weight: int
    products: tuple[str, ...]


SHOPS = (
    Shop(
        "acme", "Acme Outdoor", "USD", "US", "America/New_York", "Acme Outdoor Partners",
        "Tents, packs and boots that last. For trail blogs, gear testers and newsletters of people who go outside.",
        "0.10", "0.12", 30, 30, 96, 5, ("Ridge tent", "Trail pack 38", "Alpine boots", "Down jacket", "Stove kit"),
    ),
    Shop(
        "lumen", "Lumen Books", "EUR", "DE", "Europe/Berlin", "Lumen Readers",
        "An independent bookshop with a world of titles. For reading blogs, teachers and book clubs.",
        "0.08", "0.08", 45, 21, 34, 3, ("Novel", "Atlas", "Gift set", "Picture book", "E-reader"),
    ),
    Shop(
        "kaze", "Kaze Audio", "JPY", "JP", "Asia/Tokyo", "Kaze Creators",
        "Headphones and small speakers made in Hamamatsu. For music and video channels.",
        "0.06", "0.07", 14, 30, 14800, 2, ("Headphones K3", "Speaker S1", "Cable set", "DAC mini"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Partner:
    """An affiliate: its country, channel, how much it sells, and what becomes of it."""

    name: str
    country: str
    channel: str
    kind: str
    strength: float
    fate: str = ""


PARTNERS = (
    Partner("Maya Chen", "US", "https://mayaonthetrail.example", "site", 9.0),
    Partner("Trail Letters", "US", "https://trailletters.example", "newsletter", 7.5),
    Partner("Kenji Mori", "JP", "https://kenjilistens.example", "video", 7.0),
    Partner("Lena liest", "DE", "https://lenaliest.example", "site", 6.5),
    Partner("Gear Honest", "GB", "https://gearhonest.example", "site", 6.0),
    Partner("Bücherfreunde Bremen", "DE", "https://buecherfreunde.example", "newsletter", 4.6),
    Partner("Weekend Summits", "CA", "https://weekendsummits.example", "video", 4.4),
    Partner("林書房", "JP", "https://hayashi-shobo.example", "site", 4.0),
    Partner("Outdoor-Tante", "AT", "https://outdoortante.example", "social", 3.8),
    Partner("Sound Diary", "US", "https://sounddiary.example", "site", 3.6),
    Partner("Les Pages Tournées", "FR", "https://pagestournees.example", "site", 3.4),
    Partner("Rucksack Report", "US", "https://rucksackreport.example", "site", 3.2, "declining"),
    Partner("陳小旅", "TW", "https://chenxiaolu.example", "social", 3.0),
    Partner("Basecamp Deals", "US", "https://basecampdeals.example", "site", 2.9, "frozen"),
    Partner("Studio Nord", "SE", "https://studionord.example", "video", 2.7),
    Partner("Mountain Mums", "GB", "https://mountainmums.example", "social", 2.5),
    Partner("Leseratte", "DE", "https://leseratte.example", "site", 2.4, "declining"),
    Partner("Hifi Notebook", "NL", "https://hifinotebook.example", "site", 2.3),
    Partner("Campfire Cooks", "US", "https://campfirecooks.example", "video", 2.2),
    Partner("Pagina Dodici", "IT", "https://paginadodici.example", "newsletter", 2.0),
    Partner("Quiet Rooms", "DK", "https://quietrooms.example", "site", 1.9),
    Partner("Two Boots Club", "US", "https://twoboots.example", "social", 1.8, "restricted"),
    Partner("Der Leseturm", "CH", "https://leseturm.example", "site", 1.7),
    Partner("Tokyo Audio Walks", "JP", "https://tokyoaudiowalks.example", "video", 1.6),
    Partner("Ultralight Forum", "US", "https://ulforum.example", "site", 1.5, "declining"),
    Partner("Nora's Shelf", "IE", "https://norasshelf.example", "social", 1.4),
    Partner("Sendero Sur", "ES", "https://senderosur.example", "site", 1.3),
    Partner("Open Ears", "US", "https://openears.example", "newsletter", 1.2),
    Partner("Winterlicht", "FI", "https://winterlicht.example", "site", 1.1),
    Partner("Rain or Shine", "GB", "https://rainorshine.example", "social", 1.0, "frozen"),
    Partner("小樹閱讀", "TW", "https://xiaoshu.example", "site", 0.9),
    Partner("Peak Bagger", "US", "https://peakbagger.example", "app", 0.8),
    Partner("The Slow Shelf", "US", "https://slowshelf.example", "newsletter", 0.8),
    Partner("Cabin Radio", "CA", "https://cabinradio.example", "video", 0.7, "no_method"),
    Partner("Feldweg", "DE", "https://feldweg.example", "site", 0.6),
    Partner("Ear Candy Lab", "US", "https://earcandy.example", "video", 0.0, "waiting"),
    Partner("Marginalia", "PT", "https://marginalia.example", "site", 0.5, "no_method"),
    Partner("Lakeside Loops", "US", "https://lakesideloops.example", "social", 0.4, "new"),
    Partner("Coupon Harbour", "US", "https://couponharbour.example", "site", 0.0, "declined"),
    Partner("Fern & Fog", "NZ", "https://fernandfog.example", "social", 0.0, "waiting"),
)

#: role, address, name, and what it is of: a merchant's slug, or nothing.
STAFF = (
    ("merchant_owner", "merchant@demo.example", "Ada Acme", "acme"),
    ("merchant_owner", "lumen@demo.example", "Luise Lumen", "lumen"),
    ("merchant_owner", "kaze@demo.example", "Kaede Kaze", "kaze"),
    ("merchant_analyst", "analyst@demo.example", "Ana Lyst", "acme"),
    ("finance_maker", "finance@demo.example", "Lena Maker", ""),
    ("finance_checker", "checker@demo.example", "Omar Checker", ""),
    ("network_staff", "network@demo.example", "Nia Network", ""),
    ("editor", "editor@demo.example", "Edith Editor", ""),
)

#: The address under which the demo's first partner signs in.
PARTNER_EMAIL = "partner@demo.example"
