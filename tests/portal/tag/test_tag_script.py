"""/t.js: small, cacheable, and made of its source without a build step."""

import gzip
import re
import shutil
import subprocess

import pytest
from django.test import Client

from portal.tag.script import MOST_BYTES, SOURCE, compact, script


def test_the_tag_weighs_at_most_two_kilobytes():
    one = script("https://click.a-network-with-a-long-name.example")

    assert len(one.zipped) <= MOST_BYTES == 2048
    assert gzip.decompress(one.zipped) == one.text
    assert b"click.a-network-with-a-long-name.example" in one.text
    assert b"__DOOR__" not in one.text


def test_making_it_small_leaves_strings_alone_and_needs_a_plain_source():
    assert compact("// why\nvar a = 'x  ;  y',\n    b = a + 1;\nif (b) f( b );\n") == "var a='x  ;  y',b=a+1;if(b)f(b);"
    code = [line for line in SOURCE.read_text().splitlines() if not line.strip().startswith("//")]
    # What `compact` cannot read: comments behind code, other quotes, regular expressions between slashes.
    assert not [
        line for line in code if re.search(r"(?<!:)//|[\"`]|[=(,] ?/[^/]", re.sub(r"'(?:[^'\\]|\\.)*'", "''", line))
    ]


def test_the_small_form_is_a_script(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here")
    path = tmp_path / "t.js"
    path.write_bytes(script("http://127.0.0.1:1").text)

    assert subprocess.run([node, "--check", str(path)], check=False).returncode == 0


def test_it_is_served_zipped_or_not_and_kept_by_caches():
    plain = Client().get("/t.js", headers={"accept-encoding": "identity"})
    zipped = Client().get("/t.js", headers={"accept-encoding": "br, gzip"})

    assert plain["Content-Type"].startswith("text/javascript")
    assert gzip.decompress(zipped.content) == plain.content
    assert zipped["Content-Encoding"] == "gzip"
    assert "max-age=3600" in zipped["Cache-Control"]
    assert "public" in zipped["Cache-Control"]
    assert zipped["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert zipped["Vary"] == "Accept-Encoding"
    assert "Set-Cookie" not in zipped


def test_a_browser_that_has_this_version_gets_nothing_again():
    mark = Client().get("/t.js")["ETag"]

    again = Client().get("/t.js", headers={"if-none-match": f'"other", W/{mark}'})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", mark)
    assert Client().get("/t.js", headers={"if-none-match": '"other"'}).status_code == 200


def test_each_version_has_its_own_mark():
    assert script("https://a.example").version != script("https://b.example").version
