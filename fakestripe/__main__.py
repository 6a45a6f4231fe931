"""`python -m fakestripe`: run the stand-in until told to stop."""

import argparse
import signal
import threading

from fakestripe.server import Server


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="fakestripe", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--state", metavar="FILE", help="keep everything in this SQLite file (default: in memory)")
    parser.add_argument("--webhook-url", default="", help="where to deliver every event")
    parser.add_argument("--webhook-secret", default="", help="whsec_… to sign deliveries with")
    parser.add_argument(
        "--rate-limit",
        type=float,
        default=0,
        metavar="N",
        help="calls a second, as Stripe's 25 (default: none)",
    )
    given = parser.parse_args()
    if given.webhook_url and not given.webhook_secret:
        parser.error("--webhook-url needs --webhook-secret")
    server = Server(
        host=given.host, port=given.port, state=given.state, webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret, rate_limit=given.rate_limit,
    )  # fmt: skip
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    server.start()
    print(f"fakestripe: {server.base_url}", flush=True)
    stopping.wait()
    server.stop()


if __name__ == "__main__":
    main()
