"""Pictures and files that go with a prompt: from the state, or from under the root folder."""

from __future__ import annotations

import asyncio
import os

import pytest

from llm_repl_core import FileMissing, Forbidden, InvalidInput, LLMReplError, TooLarge
from llm_repl_core.engine.prompts import attachments as attachments_module
from llm_repl_core.engine.prompts.attachments import load_attachments
from llm_repl_core.engine.prompts.media_types import media_type_of
from llm_repl_core.kernels.in_process import InProcessKernel

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

STATE = """
import base64, pathlib
png = bytes.fromhex("PNG_IN_HEX")
writable = bytearray(b"%PDF-1.7")
text = b"a text"
word = "a text"
here = pathlib.Path("notes.md")
passwd = pathlib.Path("/etc/passwd")
class Picture:
    def _repr_png_(self): return png
picture = Picture()
class Photo:
    def _repr_jpeg_(self): return base64.b64encode(b"\\xff\\xd8\\xff\\xe0jpeg").decode(), {"width": 1}
photo = Photo()
class Failing:
    def _repr_png_(self): raise ValueError("no picture today")
failing = Failing()
class Everything:
    def __getattr__(self, name): return lambda: b"x"
everything = Everything()
rows = [png, text]
_ = "before"
""".replace("PNG_IN_HEX", PNG.hex())


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    (folder / "inner").mkdir(parents=True)
    (folder / "notes.md").write_bytes(b"# Notes")
    (folder / "inner" / "data.csv").write_bytes(b"x,y\n")
    (folder / "picture").write_bytes(PNG)
    (folder / "png").write_bytes(b"a file named as a variable is")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "away").symlink_to(tmp_path)
    (folder / "within.csv").symlink_to(folder / "inner" / "data.csv")
    os.mkfifo(folder / "pipe.txt")
    return folder


def load(root, *entries):
    """Files need no kernel: this one is not even started."""
    return asyncio.run(load_attachments(entries, InProcessKernel(), root=root))


# Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "media_type", "name"),
    [
        ("notes.md", "text/markdown", "notes.md"),
        ("inner/data.csv", "text/csv", "data.csv"),
        ("inner/../within.csv", "text/csv", "data.csv"),
        ("./picture", "image/png", "picture"),
    ],
)
def test_a_file_under_the_root(root, entry, media_type, name):
    [attachment] = load(root, entry)
    assert (attachment.media_type, attachment.name) == (media_type, name)
    assert attachment.data == (root / entry).read_bytes()
    assert load(root, str(root / entry)) == (attachment,)


@pytest.mark.parametrize(
    ("entry", "error", "said"),
    [
        ("../secret.txt", Forbidden, "leads out of the root folder"),
        ("inner/../../secret.txt", Forbidden, "leads out"),
        ("/etc/passwd", Forbidden, "leads out"),
        ("out.txt", Forbidden, "leads out"),
        ("away/secret.txt", Forbidden, "leads out"),
        ("/dev/zero", Forbidden, "leads out"),
        ("pipe.txt", InvalidInput, "is not a plain file"),
        ("inner/", InvalidInput, "is not a plain file"),
        (".", InvalidInput, "is not a plain file"),
        ("gone.txt", FileMissing, "there is no file `gone.txt`"),
        ("gone/a.txt", FileMissing, "there is no file `gone/a.txt`"),
        ("", InvalidInput, "must name a file"),
        ("a\0b", InvalidInput, "must name a file"),
        ("a" * 5000 + ".txt", LLMReplError, ""),
        ("\ud800.txt", LLMReplError, ""),
    ],
)
def test_what_is_no_file_under_the_root(root, entry, error, said):
    with pytest.raises(error) as caught:
        load(root, "notes.md", entry)
    assert said in str(caught.value)
    assert str(root) not in str(caught.value)
    str(caught.value).encode()


def test_limits(root, monkeypatch):
    monkeypatch.setattr(attachments_module, "LIMIT_BYTES", 300)
    monkeypatch.setattr(attachments_module, "TOTAL_LIMIT_BYTES", 500)
    (root / "large.txt").write_bytes(b"x" * 300)
    assert len(load(root, "large.txt", "notes.md")) == 2
    with pytest.raises(TooLarge, match=r"with `large\.txt` they are larger than 500 bytes"):
        load(root, "notes.md", "large.txt", "large.txt")
    (root / "large.txt").write_bytes(b"x" * 301)
    with pytest.raises(TooLarge, match=r"`large\.txt` is larger than 300 bytes"):
        load(root, "large.txt")


@pytest.mark.parametrize(
    ("data", "name", "media_type"),
    [
        (PNG, "wrong.txt", "image/png"),
        (b"\xff\xd8\xff\xe0", "", "image/jpeg"),
        (b"GIF89a", "", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "", "image/webp"),
        (b"%PDF-1.7", "", "application/pdf"),
        (b"BM is how this text begins", "notes.txt", "text/plain"),
        (b"\0\0\0\x18ftypM4A ", "a.m4a", "audio/mp4"),
        (b"{}", "A.JSON", "application/json"),
        (b"what?", "README", "text/plain"),
        (b"", "", "text/plain"),
        (b"\xff\xfe\0", "blob", "application/octet-stream"),
    ],
)
def test_media_types(data, name, media_type):
    assert media_type_of(data, name) == media_type


# The state -----------------------------------------------------------------------------------


def test_objects_of_the_state(drive, root):
    async def check(kernel):
        before = await kernel.names()
        entries = ["png", "writable", "text", "picture", "photo", "here", "./png"]
        loaded = await load_attachments(entries, kernel, root=root)
        assert [(one.name, one.media_type) for one in loaded] == [
            ("png.png", "image/png"),
            ("writable.pdf", "application/pdf"),
            ("text.txt", "text/plain"),
            ("picture.png", "image/png"),
            ("photo.jpg", "image/jpeg"),
            ("notes.md", "text/markdown"),
            ("png", "text/plain"),
        ]
        assert [one.data for one in loaded[:5]] == [
            PNG, b"%PDF-1.7", b"a text", PNG, b"\xff\xd8\xff\xe0jpeg",
        ]  # fmt: skip
        assert await kernel.names() == before
        assert (await kernel.snapshot()).keys() == set(before)

    drive(check, STATE, cwd=str(root))


@pytest.mark.parametrize(
    ("entry", "error", "said"),
    [
        ("gone", InvalidInput, "there is no variable `gone`; the state has: Everything"),
        (
            "word",
            InvalidInput,
            "`word` is of the type `str`: insert it into the prompt, as `{word}`",
        ),
        ("rows", InvalidInput, "`rows` is of the type `list`; what can be attached are bytes"),
        ("everything", InvalidInput, "`everything` is of the type `Everything`"),
        ("failing", InvalidInput, "cannot be attached: ValueError: no picture today"),
        ("passwd", Forbidden, "`/etc/passwd` leads out of the root folder"),
    ],
)
def test_objects_that_cannot_be_attached(drive, root, entry, error, said):
    async def check(kernel):
        with pytest.raises(error) as caught:
            await load_attachments([entry], kernel, root=root)
        assert said in str(caught.value)

    drive(check, STATE, cwd=str(root))


def test_large_bytes_come_in_pieces(drive, root):
    code = "data = bytes(range(256)) * 2000"

    async def check(kernel):
        [attachment] = await load_attachments(["data"], kernel, root=root)
        assert attachment.data == bytes(range(256)) * 2000

    drive(check, code, value_limit_bytes=10_000)


def test_limits_of_objects(drive, root, monkeypatch):
    monkeypatch.setattr(attachments_module, "LIMIT_BYTES", 100)

    async def check(kernel):
        assert await load_attachments(["fits"], kernel, root=root)
        with pytest.raises(TooLarge, match="`large` is larger than 100 bytes"):
            await load_attachments(["large"], kernel, root=root)

    drive(check, "fits, large = bytes(100), bytes(101)")


def test_the_item_of_a_prompt_over_items(drive, root):
    async def check(kernel):
        loaded = await load_attachments(
            ["item", "png"], kernel, root=root, extra={"item": "rows[1]"}
        )
        assert [(one.name, one.data) for one in loaded] == [
            ("item.txt", b"a text"),
            ("png.png", PNG),
        ]

    drive(check, STATE)


def test_a_frame_is_sent_as_csv(drive, root):
    pytest.importorskip("pandas")
    code = "import pandas\nframe = pandas.DataFrame({'a': [1, 2], 'b': ['x', 'ü']})"

    async def check(kernel):
        [attachment] = await load_attachments(["frame"], kernel, root=root)
        assert attachment.media_type == "text/csv"
        assert attachment.data == ",a,b\n0,1,x\n1,2,ü\n".encode()

    drive(check, code)


def test_a_figure_and_an_image_are_sent_as_png(drive, root):
    pytest.importorskip("matplotlib")
    pytest.importorskip("PIL")
    code = """
from matplotlib.figure import Figure
from PIL import Image
figure = Figure()
figure.subplots().plot([1, 2])
image = Image.new("CMYK", (3, 2))
"""

    async def check(kernel):
        for attachment in await load_attachments(["figure", "image"], kernel, root=root):
            assert attachment.media_type == "image/png"
            assert attachment.data.startswith(b"\x89PNG")

    drive(check, code)
