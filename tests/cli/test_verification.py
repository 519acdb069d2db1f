"""What arrives is compared with what was sent."""

from tests.cli.relay import relaying
from tests.cli.shell import Shell


def test_a_push_whose_bytes_changed_on_their_way_fails_loudly(member: Shell) -> None:
    member.file("any.img", b"good bytes")
    with relaying(member.server.url, up=lambda data: data.replace(b"good", b"evil")) as url:
        from_file = member("images", "push", "any.img", "--url", url)
        from_pipe = member(
            "images", "push", "-", "--disk-format", "raw", "--url", url, stdin=b"good bytes"
        )

    for done in (from_file, from_pipe):
        assert done.code == 1
        assert "is not what was read: sha512" in done.err
        assert "hindsight images delete" in done.err
        assert done.out == ""


def test_a_pull_that_is_cut_leaves_no_file(member: Shell) -> None:
    image = member.pushed(data=bytes(10 << 20))

    def until_data_comes(data: bytes) -> bytes | None:
        return None if data.endswith(bytes(100)) else data

    with relaying(member.server.url, down=until_data_comes) as url:
        done = member("images", "pull", image["id"], "copy.img", "--url", url)

    assert done.code == 5
    assert f"the connection to {url} broke" in done.err
    assert list(member.folder.iterdir()) == []
