import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launch import postgres
from launch.binaries import find_binaries
from launch.clusters import describe_cluster
from launch.console import Problem
from launch.identities import UNPRIVILEGED, choose_identity
from launch.places import ROOT
from tests.launch.waiting import processes_that_mention, wait_until

USE = """
import sys, time
from pathlib import Path
from launch import postgres
with postgres.open_cluster(Path(sys.argv[1]), "pg", is_durable=True) as cluster:
    print(cluster.url, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def var(tmp_path_factory):
    """A folder whose cluster is made once for all tests of this file."""
    folder = tmp_path_factory.mktemp("var")
    yield folder
    assert wait_until(lambda: not processes_that_mention(str(folder)))


@pytest.fixture
def cluster(var):
    with postgres.open_cluster(var, "pg", is_durable=True) as opened:
        yield opened


def sql(cluster, statement):
    done = subprocess.run(
        [
            f"{cluster.binaries}/psql",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statement,
            cluster.url,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or done.stderr.strip()


def server_of(cluster):
    return int((Path(cluster.data) / "postmaster.pid").read_text().splitlines()[0])


def test_the_application_is_no_superuser_but_owns_its_database(cluster):
    assert (
        sql(
            cluster,
            "SELECT current_user, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user",
        )
        == "affiliate|f|t|f"
    )
    assert sql(cluster, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'affiliate'") == "affiliate"


def test_chinese_can_be_searched_by_trigrams(cluster):
    sql(cluster, "CREATE EXTENSION IF NOT EXISTS pg_trgm")

    assert sql(cluster, "SELECT cardinality(show_trgm('会员系统'))") == "5"


def test_nobody_can_reach_it_over_the_network_or_as_another_user(cluster):
    assert sql(cluster, "SHOW listen_addresses") == ""
    assert Path(cluster.sockets).stat().st_mode & 0o777 == 0o700
    assert len(f"{cluster.sockets}/.s.PGSQL.5432") < 104


def test_only_throwaway_data_goes_without_fsync(cluster, var):
    assert sql(cluster, "SHOW fsync") == "on"
    assert sql(cluster, "SHOW synchronous_commit") == "on"

    hasty = describe_cluster(var, "pg", is_durable=False, binaries=find_binaries(), identity=choose_identity())
    assert "fsync=off" in hasty.command


def test_a_server_killed_outright_comes_back_with_its_data(cluster):
    sql(cluster, "CREATE TABLE kept (a int); INSERT INTO kept VALUES (7)")
    killed = server_of(cluster)

    os.kill(killed, signal.SIGKILL)

    assert wait_until(lambda: postgres.is_running(cluster) and server_of(cluster) != killed, 20)
    assert sql(cluster, "SELECT a FROM kept") == "7"


def test_a_second_command_uses_the_same_server_and_leaves_it_running(cluster, var):
    with postgres.open_cluster(var, "pg", is_durable=True) as second:
        assert server_of(second) == server_of(cluster)

    assert sql(cluster, "SELECT 1") == "1"


def test_the_server_outlives_the_command_that_started_it_while_another_needs_it(var):
    first = subprocess.Popen([sys.executable, "-c", USE, str(var)], cwd=ROOT, stdout=subprocess.PIPE)
    with first.stdout as output:
        output.readline()
        with postgres.open_cluster(var, "pg", is_durable=True) as second:
            server = server_of(second)
            first.kill()
            first.wait()
            assert sql(second, "SELECT 1") == "1"
            assert server_of(second) == server


def test_a_killed_command_leaves_no_process(var):
    command = subprocess.Popen([sys.executable, "-c", USE, str(var)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        with command.stdout as output:
            assert output.readline().startswith(b"postgresql://")
        assert wait_until(lambda: processes_that_mention(f"{var}/pg"), 10)
    finally:
        command.kill()
        command.wait()

    assert wait_until(lambda: not processes_that_mention(str(var)), 20)


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_a_killed_keeper_takes_the_server_along_and_both_can_be_had_again(cluster):
    server = server_of(cluster)
    (keeper,) = processes_that_mention('launch.keeper\0{"data": "' + cluster.data)

    os.kill(keeper, signal.SIGKILL)

    assert wait_until(lambda: not Path(f"/proc/{server}").exists(), 20)
    postgres.Database(cluster.url, cluster).ensure_running()
    assert sql(cluster, "SELECT 1") == "1"


def test_a_pid_file_whose_number_belongs_to_another_program_is_no_hindrance(var):
    with postgres.open_cluster(var, "pg", is_durable=True) as cluster:
        text = (Path(cluster.data) / "postmaster.pid").read_text()
    lines = text.splitlines()
    lines[0] = str(os.getpid())
    (Path(cluster.data) / "postmaster.pid").write_text("\n".join(lines))

    with postgres.open_cluster(var, "pg", is_durable=True) as again:
        assert sql(again, "SELECT 1") == "1"


def test_data_of_another_version_is_refused_with_the_ways_out(var):
    version = var / "pg" / "PG_VERSION"
    made_by = version.read_text()
    version.write_text("14\n")
    try:
        with pytest.raises(Problem) as caught, postgres.open_cluster(var, "pg", is_durable=True):
            pass
    finally:
        version.write_text(made_by)

    assert "was made by PostgreSQL 14; this one is 1" in caught.value.what
    assert "pg_upgrade" in caught.value.remedy


def test_a_cluster_in_use_is_not_removed(cluster, var):
    with pytest.raises(Problem, match="in use by another"):
        postgres.remove_cluster(var, "pg")

    assert sql(cluster, "SELECT 1") == "1"


def test_an_address_of_ones_own_is_used_as_it_is(monkeypatch, cluster, tmp_path):
    monkeypatch.setenv("DATABASE_URL", cluster.url)

    with postgres.open_database(tmp_path) as database:
        assert database == postgres.Database(cluster.url)

    assert not (tmp_path / "pg").exists()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mysql://root@localhost/shop", "begins with mysql://"),
        ("postgresql://shop@127.0.0.1:9/shop", "nothing answers at 127.0.0.1:9"),
        ("postgresql://shop@/shop?host=/nowhere", "nothing answers at /nowhere/.s.PGSQL.5432"),
    ],
)
def test_an_address_where_nothing_answers_is_told(monkeypatch, tmp_path, url, what):
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(Problem) as caught, postgres.open_database(tmp_path):
        pass

    assert what in caught.value.what
    assert "unset it to use the embedded database" in caught.value.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_where_the_kernel_grants_no_namespace_the_server_runs_as_nobody(tmp_path):
    with postgres.open_cluster(tmp_path, "pg", is_durable=True, identity=UNPRIVILEGED) as cluster:
        owner = Path(f"/proc/{server_of(cluster)}").stat().st_uid
        assert sql(cluster, "SELECT 1") == "1"

    assert owner == UNPRIVILEGED.uid != 0
    postgres.remove_cluster(tmp_path, "pg")
    assert not Path(cluster.data).exists()
