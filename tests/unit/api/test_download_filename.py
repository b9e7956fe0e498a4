"""File names for downloads: based on the prompt, and safe on every file system."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_job
from videojobs.api.download_filename import download_filename


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A paper boat on a rainy street", "A paper boat on a rainy street.mp4"),
        ("  too   much\n\tspace ", "too much space.mp4"),
        ('a/b\\c:d*e?f"g<h>i|j', "a b c d e f g h i j.mp4"),
        ("../../etc/passwd", "etc passwd.mp4"),
        ("Grüße aus 東京 🛶", "Grüße aus 東京 🛶.mp4"),
        ("ends with dots...", "ends with dots.mp4"),
        ("evil\u202e4pm.exe", "evil4pm.exe.mp4"),
        ("a\0b\x7fc\ud800d", "abcd.mp4"),
        ("one\u3000two\u2028three", "one two three.mp4"),
    ],
)
def test_a_prompt_becomes_a_file_name(prompt, name):
    assert download_filename(a_job(prompt=prompt)) == name


def test_a_long_prompt_is_cut_between_words():
    name = download_filename(a_job(prompt="word " * 200))
    assert name == f"{' '.join(['word'] * 24)}.mp4"


@pytest.mark.parametrize("prompt", ["x" * 1000, "東" * 1000, "🛶" * 1000])
def test_a_single_long_word_is_cut_at_a_character_boundary(prompt):
    name = download_filename(a_job(prompt=prompt))
    assert 100 < len(name.encode()) <= 124
    assert set(name.removesuffix(".mp4")) == {prompt[0]}


@pytest.mark.parametrize("prompt", ["...", "///", "\u202e", " . ", None, "", 7, "\ud800"])
def test_the_id_is_used_if_the_prompt_contains_no_word(prompt):
    job = a_job(prompt=prompt)
    assert download_filename(job) == f"{job.id}.mp4"


@given(st.text(st.characters(), max_size=300))
def test_every_prompt_becomes_a_valid_file_name(prompt):
    name = download_filename(a_job(prompt=prompt))
    assert name.endswith(".mp4")
    assert name.isprintable()
    assert 4 < len(name.encode()) <= 124
    assert not set(name) & set('/\\:*?"<>|')
    assert name == name.strip(" ")
