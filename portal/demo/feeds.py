"""Products in the demo: one merchant's feed with thirty of them, three rows of which were refused."""

from datetime import timedelta
from typing import TYPE_CHECKING

from tracking import feeds

if TYPE_CHECKING:
    from portal.demo.play import Stage

#: What, its kind, its price in cents, and on sale for.
_THINGS = (
    ("Ridge tent, two persons", "Camping > Tents", 18900, 14900), ("Ridge tent, three persons", "Camping > Tents", 23900, 0),
    ("Storm tarp", "Camping > Tents", 8900, 6900), ("Titanium pegs, set of ten", "Camping > Tents", 2490, 0),
    ("Down sleeping bag, -5 °C", "Camping > Sleeping", 24900, 0), ("Summer sleeping bag", "Camping > Sleeping", 9900, 7900),
    ("Inflatable mat, regular", "Camping > Sleeping", 11900, 0), ("Pillow", "Camping > Sleeping", 2900, 0),
    ("Gas stove", "Camping > Kitchen", 4900, 0), ("Pot set, one litre", "Camping > Kitchen", 5900, 4500),
    ("Titanium mug", "Camping > Kitchen", 2900, 0), ("Water filter", "Camping > Kitchen", 3900, 0),
    ("Trail pack 38", "Packs", 15900, 0), ("Trail pack 55", "Packs", 19900, 16900), ("Day pack 18", "Packs", 7900, 0),
    ("Dry bag, 20 litres", "Packs", 2490, 0), ("Alpine boots", "Footwear > Boots", 21900, 0),
    ("Trail shoes", "Footwear > Shoes", 13900, 10900), ("Camp sandals", "Footwear > Shoes", 5900, 0),
    ("Merino socks, two pairs", "Footwear > Socks", 2900, 0), ("Down jacket", "Clothing > Jackets", 22900, 0),
    ("Rain jacket", "Clothing > Jackets", 17900, 14900), ("Fleece", "Clothing > Jackets", 8900, 0),
    ("Merino shirt", "Clothing > Shirts", 6900, 0), ("Hiking trousers", "Clothing > Trousers", 9900, 0),
    ("Sun hat", "Clothing > Hats", 2900, 0), ("Head torch, 400 lumens", "Tools", 5900, 0),
    ("Trekking poles, pair", "Tools", 8900, 6900), ("First aid kit", "Tools", 3490, 0), ("Map case", "Tools", 1890, 0),
)  # fmt: skip
_HEAD = "sku,title,price,sale_price,currency,availability,category,brand,link"


def play_feeds(stage: "Stage") -> None:
    """Send the feed of one merchant's program as a file, so that the demo asks nobody for anything."""
    program = stage.network.programs["acme"]
    currency, page = program.currency, program.landing_url
    lines = [
        f'ACM-{number:03},"{title}",{price / 100:.2f},{f"{sale / 100:.2f}" if sale else ""},{currency},'
        f"{'out of stock' if number % 9 == 0 else 'in stock'},{kind},Acme,{page}?product={number % 5 + 1}&sku=ACM-{number:03}"
        for number, (title, kind, price, sale) in enumerate(_THINGS, start=1)
    ]
    lines[4:4] = [f'ACM-900,"Gift card",at will,,{currency},in stock,Gifts,Acme,{page}']
    lines[12:12] = [
        f'ACM-901,"Partner brand mug",12.00,,{currency},in stock,Camping > Kitchen,Mugs,https://mugs.example/'
    ]
    lines.append(lines[0])
    content = "\n".join([_HEAD, *lines]).encode()
    feeds.take_file(
        program, content, name="acme-products.csv", by=stage.network.users["merchant@demo.example"],
        at=stage.now - timedelta(hours=5),
    )  # fmt: skip
