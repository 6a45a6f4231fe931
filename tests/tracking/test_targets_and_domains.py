"""Pages looked at, never in a private network; hosts proved by a real name server (B1, the dead-target check)."""

import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dns.message
import dns.rcode
import dns.rrset
import pytest
from django.db import connection
from django.utils import timezone

from affiliates.models import OutgoingMail
from ledger.journal import deliver_waiting_events
from ledger.models import Event
from portal.click.links import HOST_SQL
from portal.outbound.letters import letter_of
from tests.factories.world import make_world
from tracking import domains, links, outside, targets
from tracking.domains import DomainRefused
from tracking.models import Link, LinkTarget
from tracking.outside import Look

HOST = "go.tents.example"


class Pages(BaseHTTPRequestHandler):
    """/404 is gone, /in leads inside, /round leads to itself, /no-head wants GET, /503 is down."""

    def do_HEAD(self) -> None:
        """Answers by the path."""
        where = {"/in": "http://10.0.0.1/", "/round": "/round", "/ftp": "ftp://shop.example/"}.get(self.path)
        status = {"/404": 404, "/503": 503, "/no-head": 405 if self.command == "HEAD" else 200}.get(self.path, 200)
        self.send_response(302 if where else status)
        if where:
            self.send_header("Location", where)
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815 - the name http.server asks for

    def log_message(self, *_args) -> None:
        """Quietly."""


@pytest.fixture(scope="module")
def shop():
    """A web server on this machine; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "look"),
    [
        ("/", Look(200, "")),
        ("/404", Look(404, outside.NOT_FOUND)),
        ("/503", Look(503, outside.SERVER_ERROR)),
        ("/no-head", Look(200, "")),
        ("/in", Look(0, outside.PRIVATE_ADDRESS)),
        ("/round", Look(302, outside.ROUND_AND_ROUND)),
        ("/ftp", Look(302, outside.UNREADABLE)),
    ],
)
def test_a_page_is_judged_by_its_last_answer(shop, path, look):
    assert outside.look_at(f"{shop}{path}", allow_local=True) == look


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "[::1]", "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "2130706433", "0x7f.1"],
)  # fmt: skip
def test_no_request_goes_into_a_private_network(host):
    assert outside.look_at(f"http://{host}/") == Look(0, outside.PRIVATE_ADDRESS)


def test_this_machine_is_private_outside_development(shop):
    assert outside.look_at(f"{shop}/").reason == outside.PRIVATE_ADDRESS


@pytest.mark.django_db
def test_a_page_missing_twice_is_told_once_and_its_return_too(at):
    world = make_world(at)
    target = LinkTarget.objects.get()
    gone, there = Look(404, outside.NOT_FOUND), Look(200, "")

    def names():
        return list(Event.objects.filter(name__startswith="link.target").order_by("id").values_list("name", flat=True))

    targets.check_target(target, gone, at=at)
    targets.check_target(target, gone, at=at + timedelta(seconds=5))
    assert names() == []
    for hours in (1, 7, 13):
        row = targets.check_target(target, gone, at=at + timedelta(hours=hours))
    assert names() == ["link.target_failing"]
    assert (row.failing_since, row.is_failing) == (at, True)
    row = targets.check_target(target, there, at=at + timedelta(hours=20))
    assert names() == ["link.target_failing", "link.target_back"]
    assert (row.failures, row.failing_since, row.next_check_at) == (0, None, at + timedelta(hours=44))
    assert world.affiliate.public_id in Event.objects.get(name="link.target_failing").about


@pytest.mark.django_db
def test_what_is_due_is_looked_at_once_and_only_what_links_lead_to(at, shop, settings):
    world = make_world(at)
    world.program.allowed_hosts = ["127.0.0.1"]
    world.program.save()
    Link.objects.filter(pk=world.link.pk).update(status="retired")
    for path in ("a", "404"):
        links.create_link(world.enrolment.refreshed(), destination=f"{shop}/{path}", at=at)

    assert targets.check_targets(at=at, pause_seconds=0) == 2
    assert targets.check_targets(at=at, pause_seconds=0) == 0
    found = targets.targets_of([f"{shop}/a", f"{shop}/404", world.link.destination])
    assert {url.removeprefix(shop): row.reason for url, row in found.items()} == {"/a": "", "/404": "page_not_found"}


@pytest.mark.django_db
def test_when_nobody_answers_the_trouble_is_our_own(at):
    world = make_world(at)
    world.program.allowed_hosts = ["127.0.0.1", "localhost"]
    world.program.save()
    Link.objects.filter(pk=world.link.pk).update(status="retired")
    for port in (9, 11, 13):
        links.create_link(world.enrolment.refreshed(), destination=f"http://127.0.0.1:{port}/", at=at)

    assert targets.check_targets(at=at, pause_seconds=0) == 0
    assert not LinkTarget.objects.exclude(checked_at=None).exists()


@contextmanager
def name_server(zone):
    """A name server on this machine that knows `zone`: (name, type) -> values."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(0.1)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                wire, peer = sock.recvfrom(4096)
            except TimeoutError:
                continue
            query = dns.message.from_wire(wire)
            [question] = query.question
            answer = dns.message.make_response(query)
            name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
            if values := zone.get((name, kind)):
                answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
            elif not any(known == name for known, _kind in zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            sock.sendto(answer.to_wire(), peer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{sock.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        sock.close()


@pytest.mark.django_db
def test_a_host_is_verified_by_both_records_and_fails_when_they_go(at, settings):
    settings.CLICK_BASE_URL = "https://go.network.example"
    world = make_world(at)
    domain = domains.add_domain(world.merchant, f"https://{HOST}/", by=world.owner, at=at)
    proof = (f"_affiliate-links.{HOST}", "TXT")
    zone = {}
    with name_server(zone) as server:
        settings.DNS_RESOLVERS = [server]

        def look(hours=0):
            row = domains.verify_domain(domain, at=at + timedelta(hours=hours))
            return row.status, row.reason

        assert look() == ("pending", domains.TXT_MISSING)
        zone[proof] = ['"affiliate-links=wrong"']
        assert look() == ("pending", domains.TXT_WRONG)
        zone[proof] = [f'"affiliate-links={domain.token}"']
        assert look() == ("pending", domains.HOST_MISSING)
        zone[HOST, "CNAME"] = ["elsewhere.example."]
        assert look() == ("pending", domains.POINTS_ELSEWHERE)
        zone[HOST, "CNAME"] = ["go.network.example."]
        assert look() == ("verified", "")
        del zone[proof]
        assert look(1) == ("failed", domains.TXT_MISSING)
        zone[proof] = [f'"affiliate-links={domain.token}"']
        del zone[HOST, "CNAME"]
        zone[HOST, "A"] = zone["go.network.example", "A"] = ["192.0.2.7"]
        assert look(2) == ("verified", "")
    names = Event.objects.filter(name__startswith="domain.").order_by("id").values_list("name", flat=True)
    assert list(names) == ["domain.added", "domain.verified", "domain.failed", "domain.verified"]


@pytest.mark.django_db
def test_a_host_without_its_records_is_served_for_a_week_and_its_owner_hears_twice(settings):
    at = timezone.now()
    settings.CLICK_BASE_URL = "https://go.network.example"
    settings.DNS_RESOLVERS = []
    world = make_world(at)
    domain = domains.add_domain(world.merchant, HOST, by=world.owner, at=at)
    zone = {(f"_affiliate-links.{HOST}", "TXT"): [f'"affiliate-links={domain.token}"']}
    zone[HOST, "CNAME"] = ["go.network.example."]

    def served():
        with connection.cursor() as cursor:
            cursor.execute(HOST_SQL)
            return [host for host, _owner in cursor.fetchall()]

    with name_server(zone) as server:
        settings.DNS_RESOLVERS = [server]

        def look(days):
            return domains.verify_domain(domain, at=at + timedelta(days=days))

        look(0)
        del zone[HOST, "CNAME"]
        failed = look(1)
        assert (failed.status, served(), domains.stops_at(failed)) == ("failed", [HOST], at + timedelta(days=8))
        assert (look(7).stopped_at, served()) == (None, [HOST])
        assert (look(8).stopped_at, served()) == (at + timedelta(days=8), [])
        assert look(9).stopped_at == at + timedelta(days=8)
        zone[HOST, "CNAME"] = ["go.network.example."]
        back = look(10)
        assert (back.status, back.failing_since, back.stopped_at, served()) == ("verified", None, None, [HOST])
    names = Event.objects.filter(name__startswith="domain.").order_by("id").values_list("name", flat=True)
    assert list(names) == ["domain.added", "domain.verified", "domain.failed", "domain.stopped", "domain.verified"]
    deliver_waiting_events(at=timezone.now() + timedelta(minutes=1))
    letters = {one.kind: one for one in OutgoingMail.objects.filter(kind__startswith="domain.")}
    assert {one.recipient for one in letters.values()} == {world.owner.email.lower()}
    said = {kind: letter_of(kind, one.facts).subject for kind, one in letters.items()}
    assert said == {
        "domain.failed": f"{HOST} has lost its records",
        "domain.stopped": f"Links on {HOST} have stopped",
    }


@pytest.mark.django_db
def test_a_silent_name_server_takes_no_host_away_and_waiting_ends(at, settings, monkeypatch):
    world = make_world(at)
    domain = domains.add_domain(world.merchant, HOST, by=None, at=at)
    monkeypatch.setattr(domains, "_SECONDS_TO_WAIT", 0.2)
    with name_server({}) as server:
        settings.DNS_RESOLVERS = [server]
        assert domains.verify_domain(domain, at=at + timedelta(days=4)).status == "failed"
    type(domain).objects.filter(pk=domain.pk).update(status="verified")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        settings.DNS_RESOLVERS = [f"127.0.0.1:{silent.getsockname()[1]}"]
        row = domains.verify_domain(domain, at=at + timedelta(days=5))
    assert (row.status, row.reason) == ("verified", domains.DNS_SILENT)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("host", "code"),
    [("localhost", "domain_invalid"), ("10.0.0.1", "domain_invalid"), ("co.uk", "domain_invalid"), ("a b.example", "domain_invalid"), ("go.network.example", "domain_ours")],
)  # fmt: skip
def test_a_host_that_cannot_be_a_shops_is_refused(at, settings, host, code):
    settings.CLICK_BASE_URL = "https://go.network.example"

    with pytest.raises(DomainRefused) as refused:
        domains.add_domain(make_world(at).merchant, host, by=None, at=at)

    assert refused.value.code == code


@pytest.mark.django_db
def test_a_host_named_and_never_proved_keeps_its_owner_out_for_a_day_only(at):
    squatter, owner = make_world(at), make_world(at)
    domains.add_domain(squatter.merchant, HOST, by=None, at=at)

    with pytest.raises(DomainRefused):
        domains.add_domain(owner.merchant, HOST, by=None, at=at + timedelta(hours=23))
    assert domains.add_domain(owner.merchant, HOST, by=None, at=at + timedelta(days=1)).merchant == owner.merchant
