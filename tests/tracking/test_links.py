"""Links: codes for ever, many at once, quotas, pages to choose from, changes (B1–B3, B12, B17)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from affiliates import enrolments
from affiliates.errors import NotInState
from ledger.errors import Refusal
from tests.factories.world import make_world
from tracking import links, program_settings
from tracking.access import open_link_of
from tracking.destinations import DestinationRefused
from tracking.errors import CodeReserved, CodeTaken, InputRefused, LinkQuotaReached
from tracking.links import LinkDraft
from tracking.models import Link, LinkAlias, LinkCode, ProgramTracking
from tracking.queries.links import address_of, arrival_of
from tracking.routing import RoutingRefused

PAGE = "https://shop.example/tents"


@pytest.mark.django_db
class TestCodes:
    """B1: an address that was shared once works for ever."""

    def test_a_renamed_link_answers_to_every_code_it_ever_had(self, at):
        world = make_world(at)
        first = world.link.code

        links.rename_link(world.link, "Maya-Tents", at=at)
        link = links.rename_link(world.link.refreshed(), "maya", at=at)

        assert link.code == "maya"
        assert {alias.code for alias in link.aliases.all()} == {first, "maya-tents"}
        for code in (first, "maya-tents", "maya"):
            assert open_link_of(world.affiliate, code) == link

    def test_a_link_may_take_a_code_of_its_own_back(self, at):
        world = make_world(at)
        first = world.link.code

        links.rename_link(world.link, "maya", at=at)
        link = links.rename_link(world.link.refreshed(), first, at=at)

        assert link.code == first
        assert [alias.code for alias in link.aliases.all()] == ["maya"]

    def test_no_code_is_ever_given_to_another_link(self, at):
        world, other = make_world(at), make_world(at)
        first = world.link.code
        links.add_alias(world.link, "maya", at=at)
        links.rename_link(world.link, "tents", at=at)

        for taken in (first, "maya", "tents", "MAYA"):
            for attempt in (
                lambda code=taken: links.create_link(other.enrolment, code=code, label="x", at=at),
                lambda code=taken: links.rename_link(other.link, code, at=at),
                lambda code=taken: links.add_alias(other.link, code, at=at),
            ):
                with pytest.raises(CodeTaken):
                    attempt()
        assert other.link.refreshed().code == other.link.code
        assert not other.link.aliases.exists()

    def test_the_database_itself_refuses_a_taken_code_whoever_writes_it(self, at):
        world, other = make_world(at), make_world(at)
        links.add_alias(world.link, "maya", at=at)

        for write in (
            lambda: Link.objects.filter(pk=other.link.pk).update(code="maya"),
            lambda: Link.objects.filter(pk=other.link.pk).update(code="MAYA"),
            lambda: LinkAlias.objects.create(code=world.link.code, link=other.link),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                write()
        assert LinkCode.objects.get(code="maya").link_id == world.link.pk

    @pytest.mark.parametrize("code", ["ab", "a" * 41, "a b", "é-tents", "a/b", "a.b"])
    def test_a_code_has_three_to_forty_plain_signs(self, at, code):
        world = make_world(at)

        with pytest.raises(InputRefused):
            links.rename_link(world.link, code, at=at)

    @pytest.mark.parametrize("code", ["api", "Partner", "new", "bulk", "postback", "zh-hans"])
    def test_words_of_our_own_are_reserved(self, at, code):
        world = make_world(at)

        with pytest.raises(CodeReserved):
            links.create_link(world.enrolment, code=code, at=at)

    def test_a_link_has_at_most_twenty_other_codes(self, at):
        world = make_world(at)
        for number in range(20):
            links.add_alias(world.link, f"maya-{number}", at=at)

        with pytest.raises(InputRefused):
            links.add_alias(world.link, "one-more", at=at)
        links.add_alias(world.link, "maya-3", at=at)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_one_code_at_once_one_gets_it(at):
    world, other = make_world(at), make_world(at)

    def take(attempt):
        try:
            attempt()
        except CodeTaken:
            return "taken"
        else:
            return "got it"
        finally:
            connection.close()

    for number in range(5):
        code = f"maya{number}"
        with ThreadPoolExecutor(2) as pool:
            answers = pool.map(
                take,
                [
                    lambda code=code: links.add_alias(world.link, code, at=at),
                    lambda code=code: links.create_link(other.enrolment, code=code, label=code, at=at),
                ],
            )
            assert sorted(answers) == ["got it", "taken"]


@pytest.mark.django_db
class TestMany:
    """B2: up to 200 at once."""

    def test_each_row_is_for_itself_and_twice_is_once(self, at):
        world = make_world(at)
        drafts = [
            LinkDraft(PAGE, "a"),
            LinkDraft("https://evil.example/"),
            LinkDraft(PAGE, "b", "maya"),
            LinkDraft(PAGE, "c", "maya"),
            LinkDraft(PAGE, "a", presets={"sub1": "video"}),
        ]

        first = links.create_links(world.enrolment, drafts, at=at)
        again = links.create_links(world.enrolment, drafts, at=at)

        assert [one.refusal.code if one.refusal else one.is_new for one in first] == [
            True, "destination_host_not_allowed", True, "code_taken", True,
        ]  # fmt: skip
        assert [one.refusal.code if one.refusal else one.is_new for one in again] == [
            False, "destination_host_not_allowed", False, "code_taken", False,
        ]  # fmt: skip
        assert [one.link for one in first] == [one.link for one in again]
        assert Link.objects.filter(enrolment=world.enrolment).count() == 4

    def test_more_than_two_hundred_are_refused_whole(self, at):
        world = make_world(at)

        with pytest.raises(InputRefused):
            links.create_links(world.enrolment, [LinkDraft(PAGE, str(number)) for number in range(201)], at=at)
        assert Link.objects.count() == 1

    def test_a_place_has_a_quota_and_what_it_has_stays_reachable(self, at, monkeypatch):
        world = make_world(at)
        monkeypatch.setattr(links, "LINK_QUOTA", 2)
        links.retire_link(links.create_link(world.enrolment, label="a", at=at), at=at)

        with pytest.raises(LinkQuotaReached):
            links.create_link(world.enrolment, label="b", at=at)
        assert links.create_link(world.enrolment, label="a", at=at).label == "a"


@pytest.mark.django_db
class TestChanges:
    """What may change about a link, and what may not."""

    def test_sub_ids_stand_in_the_shared_address(self, at, settings):
        settings.CLICK_BASE_URL = "https://go.network.example"
        world = make_world(at)

        link = links.create_link(world.enrolment, presets={"sub1": "you tube", "sub2": ""}, code="maya", at=at)

        assert address_of(link) == "https://go.network.example/r/maya?sub1=you+tube"
        assert link.presets == {"sub1": "you tube"}
        with pytest.raises(InputRefused):
            links.create_link(world.enrolment, presets={"sub11": "x"}, at=at)
        with pytest.raises(InputRefused):
            links.create_link(world.enrolment, presets={"sub1": "x" * 256}, at=at)

    def test_another_page_keeps_the_code_and_the_parameters_of_both_arrive(self, at):
        world = make_world(at)
        program_settings.change_tracking(
            world.program, utm_template={"utm_source": "{link}", "source": "aw"}, by=None, at=at
        )

        link = links.change_link(world.link, destination=PAGE, utm={"utm_source": "maya"}, at=at)

        assert link.code == world.link.code
        assert arrival_of(link) == f"{PAGE}?utm_source=maya&source=aw"

    def test_a_change_into_a_link_that_exists_is_refused(self, at):
        world = make_world(at)
        other = links.create_link(world.enrolment, destination=PAGE, label="a", at=at)

        with pytest.raises(CodeTaken):
            links.change_link(world.link, destination=PAGE, label="a", at=at)
        assert world.link.refreshed().destination == "https://shop.example/"
        assert other.refreshed().label == "a"

    def test_rules_are_checked_against_the_programs_hosts(self, at):
        world = make_world(at)
        rule = {"when": {"country": ["DE"]}, "do": "redirect", "url": "https://shop.example/de"}

        assert links.route_link(world.link, [rule], at=at).routing == [rule]
        with pytest.raises(RoutingRefused):
            links.route_link(world.link, [{**rule, "url": "https://evil.example/"}], at=at)
        assert world.link.refreshed().routing == [rule]

    def test_who_left_changes_nothing(self, at):
        world = make_world(at)
        enrolments.leave_program(world.enrolment, by=None, at=at)
        link = world.link.refreshed()

        for attempt in (
            lambda: links.rename_link(link, "maya", at=at),
            lambda: links.add_alias(link, "maya", at=at),
            lambda: links.change_link(link, label="x", at=at),
            lambda: links.route_link(link, [], at=at),
        ):
            with pytest.raises(NotInState):
                attempt()
        assert not LinkCode.objects.filter(code="maya").exists()

    def test_a_retired_link_comes_back(self, at):
        world = make_world(at)

        assert links.restore_link(links.retire_link(world.link, at=at), at=at).status == "active"


@pytest.mark.django_db
class TestOfferedPages:
    """B17: the merchant gives a partner pages to choose from."""

    def test_without_deep_links_only_offered_pages_can_be_linked_to(self, at):
        world = make_world(at)
        program_settings.change_tracking(world.program, deep_links=False, by=None, at=at)
        program_settings.offer_page(world.program, name="For Maya", url=PAGE, enrolment=world.enrolment, by=None, at=at)

        assert links.create_link(world.enrolment, destination=PAGE, at=at).destination == PAGE
        assert links.create_link(world.enrolment, label="own", at=at).destination == "https://shop.example/"
        with pytest.raises(DestinationRefused) as refused:
            links.create_link(world.enrolment, destination="https://shop.example/secret", at=at)
        assert refused.value.code == "deep_links_off"
        with pytest.raises(DestinationRefused):
            links.route_link(world.link, [{"do": "redirect", "url": "https://shop.example/secret"}], at=at)

    def test_a_page_made_for_one_is_not_for_others(self, at):
        world, other = make_world(at), make_world(at)
        place = enrolments.join_program(other.affiliate, world.program, at=at)
        program_settings.change_tracking(world.program, deep_links=False, by=None, at=at)
        page = program_settings.offer_page(
            world.program, name="For Maya", url=PAGE, enrolment=world.enrolment, by=None, at=at
        )

        with pytest.raises(DestinationRefused):
            links.create_link(place, destination=PAGE, at=at)
        program_settings.withdraw_page(page, by=None, at=at)
        with pytest.raises(DestinationRefused):
            links.create_link(world.enrolment, destination=PAGE, at=at)

    def test_a_page_outside_the_programs_hosts_is_not_offered(self, at):
        world = make_world(at)

        with pytest.raises(DestinationRefused) as refused:
            program_settings.offer_page(world.program, name="x", url="https://evil.example/", by=None, at=at)
        assert refused.value.field == "url"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"deep_links": "yes"}, "deep_links"),
        ({"consent": "maybe"}, "consent"),
        ({"unique_window_hours": 0}, "unique_window_hours"),
        ({"traffic_back_url": "http://elsewhere.example/"}, "traffic_back_url"),
        ({"utm_template": {"a b": "c"}}, "utm_template.a b"),
        ({"routing": [{"do": "redirect", "url": "https://evil.example/"}]}, "routing.0.url"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_its_field_and_nothing_changes(at, changes, field):
    world = make_world(at)

    with pytest.raises(Refusal) as refused:
        program_settings.change_tracking(world.program, by=None, at=at, **changes)

    assert refused.value.field == field
    assert not ProgramTracking.objects.exists()


@pytest.mark.django_db
def test_hosts_are_read_as_dns_sees_them_and_the_own_page_lies_on_one(at):
    world = make_world(at)

    program = program_settings.change_hosts(
        world.program, landing_url="https://www.bücher.example/", allowed_hosts=["BÜCHER.example", "shop.example"], by=None, at=at
    )  # fmt: skip

    assert program.allowed_hosts == ["xn--bcher-kva.example", "shop.example"]
    for hosts, landing in (
        (["localhost2"], "https://shop.example/"),
        ([], "https://shop.example/"),
        (["shop.example"], "https://evil.example/"),
    ):
        with pytest.raises((InputRefused, DestinationRefused)):
            program_settings.change_hosts(program, landing_url=landing, allowed_hosts=hosts, by=None, at=at)
