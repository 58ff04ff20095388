"""Every kind of picture gives the right pixels or one sentence, and nothing else leaves."""

from __future__ import annotations

import errno
import io
import random
import struct
import sys
import threading
import types
import warnings
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image, ImageCms

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine import images
from cnnviz_desktop.engine.images import image_files, load_image
from cnnviz_desktop.errors import ImageError

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255,) * 3, (0, 0, 0)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def colourful(width: int = 40, height: int = 24) -> Image.Image:
    """A smooth picture, so that lossy formats keep close to it; no two corners are alike."""
    rows, columns = np.mgrid[0:height, 0:width]
    red = columns * 255 // (width - 1)
    green = rows * 255 // (height - 1)
    return Image.fromarray(np.stack([red, green, 255 - red], axis=-1).astype(np.uint8))


def png_chunks(
    width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes
) -> bytes:
    """A PNG written by hand, for what Pillow cannot write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    extra = b"".join(chunk(piece[:4], piece[4:]) for piece in more)
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + extra + body + chunk(b"IEND", b"")


def tiff(values: np.ndarray, photometric: int = 1, sample_format: int | None = None) -> bytes:
    """An uncompressed little-endian grey TIFF written by hand, for what Pillow cannot write."""
    data = np.ascontiguousarray(values).tobytes()
    kinds = {"u": 1, "i": 2, "f": 3}
    tags = {
        256: values.shape[1],
        257: values.shape[0],
        258: values.itemsize * 8,
        259: 1,
        262: photometric,
        273: 8 + 2 + 10 * 12 + 4,
        277: 1,
        278: values.shape[0],
        279: len(data),
        339: sample_format or kinds[values.dtype.kind],
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0) + data


# ----------------------------------------------------------------------------- where it comes from


def test_the_same_pixels_from_path_text_url_bytes_and_array(tmp_path: Path) -> None:
    path = tmp_path / "a picture %20 ü.png"
    colourful().save(path)
    expected = np.asarray(colourful())
    url = "file://" + quote(path.as_posix() if path.as_posix()[0] == "/" else "/" + path.as_posix())
    for source in (path, str(path), path.as_uri(), url, path.read_bytes(), expected):
        image = load_image(source)
        assert image.pixels.dtype == np.uint8
        assert image.pixels.flags.c_contiguous
        assert not image.pixels.flags.writeable
        assert image.notes == ()
        np.testing.assert_array_equal(image.pixels, expected)
    assert load_image(path.as_uri()).path == path
    assert load_image(path.read_bytes()).path is None


def test_an_image_input_passes_through() -> None:
    image = ImageInput(np.zeros((2, 2, 3), np.uint8))
    assert load_image(image) is image


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    colourful().save(tmp_path / "a.png")
    assert load_image("~/a.png").path == tmp_path / "a.png"
    assert image_files(Path("~")) == (tmp_path / "a.png",)
    with pytest.raises(ImageError, match="There is no file"):
        load_image("~nobody-of-this-name/a.png")


def test_an_array_is_copied() -> None:
    values = np.zeros((2, 2, 3), np.uint8)
    image = load_image(values)
    values[:] = 9
    assert image.pixels.max() == 0
    assert values.flags.writeable


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1)])
def test_a_grey_array_fills_three_channels(shape: tuple[int, ...]) -> None:
    values = np.arange(6, dtype=np.uint8).reshape(shape)
    pixels = load_image(values).pixels
    assert pixels.shape == (2, 3, 3)
    for channel in range(3):
        np.testing.assert_array_equal(pixels[:, :, channel], values.reshape(2, 3))


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        (np.array([[0.0, 0.5, 1.0]]), [0, 128, 255], "0 to 1 were"),
        (np.array([[0.0, 100.4, 255.0]], np.float32), [0, 100, 255], None),
        (np.array([[-1.0, 0.0, 1.0]]), [0, 128, 255], "-1 to 1 were"),
        (np.array([[np.nan, 0.0, 1.0]]), [0, 0, 255], "not finite"),
        (np.array([[np.nan, np.inf]]), [0, 0], "not finite"),
        (np.array([[7e4, 7e4]]), [0, 0], "70000 to 70000"),
        (np.array([[-1e308, 1e308]]), [0, 255], "1e+308"),
        (np.array([[0, 128, 65535]], np.uint16), [0, 0, 255], "16 bits"),
        (np.array([[129, 385, 386]], np.uint16), [1, 1, 2], "16 bits"),
        (np.array([[0, 200]], np.int64), [0, 200], None),
        (np.array([[0, 200]], np.uint32), [0, 200], None),
        (np.array([[-100, 100]], np.int32), [0, 255], "-100 to 100"),
        (np.array([[False, True]]), [0, 255], None),
        (np.array([[0, 1 << 63]], np.uint64), [0, 255], "were scaled"),
    ],
)
def test_numbers_become_eight_bits(
    values: np.ndarray, expected: list[int], note: str | None
) -> None:
    image = load_image(values)
    np.testing.assert_array_equal(image.pixels[0, :, 0], expected)
    assert note in " ".join(image.notes) if note else image.notes == ()


def test_an_array_with_alpha_is_put_on_white() -> None:
    values = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]], np.uint8)
    image = load_image(values)
    np.testing.assert_array_equal(image.pixels[0], [RED, WHITE, (127, 127, 127)])
    assert image.notes == ("Transparent places were put on white.",)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros((3, 8, 8), np.uint8), r"\(3, 8, 8\)\. Put channels last"),
        (np.zeros((8,), np.uint8), "not .8,."),
        (np.zeros((0, 8, 3), np.uint8), "not .0, 8, 3."),
        (np.zeros((1, 3, 8, 8), np.uint8), "not .1, 3, 8, 8."),
        (np.zeros((2, 2), np.complex64), "complex64"),
        (np.array([["a"]]), "holds numbers"),
        (np.array([[None]]), "object"),
    ],
)
def test_an_array_that_is_no_picture_is_told(values: np.ndarray, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence):
        load_image(values)


@pytest.mark.parametrize("source", [None, 3, 2.5, ["a.png"]])
def test_other_things_are_told(source: Any) -> None:
    with pytest.raises(ImageError, match="given as a path"):
        load_image(source)


# ---------------------------------------------------------------------------------- what is inside


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {"compression": "tiff_adobe_deflate"}, 0),
        ("TIFF", {"compression": "jpeg", "quality": 95}, 12),
        ("PPM", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 12),
        ("AVIF", {"quality": 95}, 12),
        ("JPEG", {"quality": 95}, 12),
        ("JPEG", {"quality": 95, "progressive": True}, 12),
        ("JPEG2000", {"irreversible": False}, 0),
    ],
)
def test_formats(kind: str, options: dict[str, Any], tolerance: int) -> None:
    image = load_image(encoded(colourful(), kind, **options))
    expected = np.asarray(colourful()).astype(int)
    assert image.pixels.shape == expected.shape
    assert np.abs(image.pixels - expected).max() <= tolerance
    assert image.notes == ()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_few_colours(kind: str, mode: str) -> None:
    picture = Image.new("L", (3, 1))
    picture.putdata([0, 255, 255])
    pixels = load_image(encoded(picture.convert(mode), kind)).pixels
    np.testing.assert_array_equal(pixels[0], [BLACK, WHITE, WHITE])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_with_alpha(kind: str) -> None:
    picture = Image.new("LA", (3, 1))
    picture.putdata([(0, 255), (0, 0), (0, 128)])
    image = load_image(encoded(picture, kind))
    np.testing.assert_array_equal(image.pixels[0], [BLACK, WHITE, (127, 127, 127)])
    assert image.notes == ("Transparent places were put on white.",)


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})]
)
def test_colour_with_alpha(kind: str, options: dict[str, Any]) -> None:
    picture = Image.new("RGBA", (3, 1))
    picture.putdata([(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 255, 51)])
    image = load_image(encoded(picture, kind, **options))
    np.testing.assert_array_equal(image.pixels[0], [RED, WHITE, (204, 204, 255)])
    assert image.notes == ("Transparent places were put on white.",)


def test_opaque_alpha_is_not_worth_a_note() -> None:
    picture = Image.new("RGBA", (2, 2), (1, 2, 3, 255))
    image = load_image(encoded(picture, "PNG"))
    np.testing.assert_array_equal(image.pixels[0, 0], [1, 2, 3])
    assert image.notes == ()


@pytest.mark.parametrize("transparency", [1, b"\xff\x00\x80"])
def test_palette_with_transparency(transparency: int | bytes) -> None:
    picture = Image.new("P", (3, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 0])
    picture.putdata([0, 1, 2])
    image = load_image(encoded(picture, "PNG", transparency=transparency))
    last = BLACK if transparency == 1 else (127, 127, 127)
    np.testing.assert_array_equal(image.pixels[0], [RED, WHITE, last])
    assert image.notes == ("Transparent places were put on white.",)


def test_transparent_colour_of_a_picture_without_alpha() -> None:
    rgb = Image.new("RGB", (2, 1), RED)
    rgb.putpixel((1, 0), GREEN)
    data = encoded(rgb, "PNG", transparency=RED)
    np.testing.assert_array_equal(load_image(data).pixels[0], [WHITE, GREEN])
    grey = png_chunks(2, 1, 16, 0, b"\x00\x12\x34\x00\x00", b"tRNS\x12\x34")
    np.testing.assert_array_equal(load_image(grey).pixels[0], [WHITE, BLACK])


def test_cmyk_of_adobe_and_of_tiff() -> None:
    # Pillow writes CMYK JPEGs as Adobe does: inverted, with Adobe's marker.
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for kind in ("JPEG", "TIFF"):
        image = load_image(encoded(inks, kind))
        assert np.abs(image.pixels.astype(int) - RED).max() <= 3
        assert "CMYK" in image.notes[0]


@pytest.mark.parametrize("order", ["<u2", ">u2"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str, order: str) -> None:
    values = np.array([[0, 128, 129, 32768, 65406, 65407, 65535]], np.uint16)
    expected = [0, 0, 1, 128, 254, 255, 255]
    if kind == "PNG":
        data = png_chunks(7, 1, 16, 0, b"\x00" + values.astype(">u2").tobytes())
    else:
        data = encoded(Image.fromarray(values.astype(order)), "TIFF")
    image = load_image(data)
    np.testing.assert_array_equal(image.pixels[0, :, 1], expected)
    assert image.notes == ("16 bits per channel were reduced to 8.",)


def test_white_is_zero_at_sixteen_bits_and_at_eight() -> None:
    wide = tiff(np.array([[0, 65535]], np.uint16), photometric=0)
    np.testing.assert_array_equal(load_image(wide).pixels[0], [WHITE, BLACK])
    narrow = tiff(np.array([[0, 255]], np.uint8), photometric=0)
    np.testing.assert_array_equal(load_image(narrow).pixels[0], [WHITE, BLACK])


def test_sixteen_bit_colour() -> None:
    values = np.array([[65535, 32768, 0], [0, 257, 65535]], ">u2")
    pixels = load_image(png_chunks(2, 1, 16, 2, b"\x00" + values.tobytes())).pixels
    np.testing.assert_array_equal(pixels[0], [(255, 128, 0), (0, 1, 255)])
    alpha = np.array([65535, 0, 0, 65535, 0, 0, 0, 0], ">u2")
    pixels = load_image(png_chunks(2, 1, 16, 6, b"\x00" + alpha.tobytes())).pixels
    np.testing.assert_array_equal(pixels[0], [RED, WHITE])
    grey = np.array([65535, 65535, 0, 0], ">u2")
    pixels = load_image(png_chunks(2, 1, 16, 4, b"\x00" + grey.tobytes())).pixels
    np.testing.assert_array_equal(pixels[0], [WHITE, WHITE])


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        (np.array([[10, 20, 30]], np.int32), [0, 128, 255], "10 to 30"),
        (np.array([[-10, 0, 10]], np.int32), [0, 128, 255], "-10 to 10"),
        (np.array([[-10, 0, 10]], np.int16), [0, 128, 255], "-10 to 10"),
        (np.array([[0, 2**31, 2**32 - 1]], np.uint32), [0, 128, 255], "4.29497e+09"),
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255], "0 to 1"),
        (np.array([[0, 0.25, 0.5]], np.float32), [0, 64, 128], "0 to 1"),
        (np.array([[-3, 0, 3]], np.float32), [0, 128, 255], "-3 to 3"),
        (np.array([[np.nan, 0, 2]], np.float32), [0, 0, 255], "not finite"),
    ],
)
def test_scientific_tiff(values: np.ndarray, expected: list[int], note: str) -> None:
    image = load_image(tiff(values))
    np.testing.assert_array_equal(image.pixels[0, :, 2], expected)
    assert note in " ".join(image.notes)


def test_portable_greymap_of_sixteen_bits() -> None:
    values = np.array([0, 32768, 65535], ">u2").tobytes()
    image = load_image(b"P5 3 1 65535\n" + values)
    np.testing.assert_array_equal(image.pixels[0, :, 0], [0, 128, 255])


def test_luminance_chrominance_and_lab() -> None:
    for mode, tolerance in (("YCbCr", 2), ("LAB", 3)):
        data = encoded(Image.new("RGB", (4, 4), (200, 80, 40)).convert(mode), "TIFF")
        pixels = load_image(data).pixels
        assert np.abs(pixels.astype(int) - (200, 80, 40)).max() <= tolerance, mode


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, GREEN, BLUE)]
    image = load_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert np.abs(image.pixels.astype(int) - RED).max() <= 3
    assert image.notes == ("The picture is animated: its first frame is used.",)


def test_pages_of_a_tiff() -> None:
    pages = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN)]
    image = load_image(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    np.testing.assert_array_equal(image.pixels[0, 0], RED)
    assert image.notes == ("The file has several pages: the first is used.",)


def test_a_transparent_gif() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putdata([0, 1])
    pixels = load_image(encoded(picture, "GIF", transparency=1)).pixels
    np.testing.assert_array_equal(pixels[0], [RED, WHITE])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation(kind: str, orientation: int, tmp_path: Path) -> None:
    upright = colourful()
    turns = {  # what a camera held so has stored
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for turn in turns[orientation]:
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, kind, exif=exif, **({} if kind == "TIFF" else {"quality": 95}))
    (tmp_path / "turned").write_bytes(data)
    for source in (data, tmp_path / "turned"):
        pixels = load_image(source).pixels
        assert pixels.shape == (24, 40, 3)
        assert np.abs(pixels.astype(int) - np.asarray(upright)).max() <= 12


def test_damaged_exif_does_not_cost_the_picture() -> None:
    for block in (b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"Exif\x00\x00rubbish", b"Exif\x00\x00"):
        for kind in ("JPEG", "PNG", "WEBP"):
            image = load_image(encoded(colourful(), kind, exif=block))
            assert image.pixels.shape == (24, 40, 3)


def test_a_colour_profile_is_converted() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swap_primaries(srgb)
    picture = Image.new("RGB", (4, 4), RED)
    image = load_image(encoded(picture, "PNG", icc_profile=swapped))
    np.testing.assert_allclose(image.pixels[0, 0], GREEN, atol=2)
    assert "were converted from the profile" in image.notes[0]
    for kept in (srgb, lab, b"rubbish", swapped[:200]):
        image = load_image(encoded(picture, "PNG", icc_profile=kept))
        np.testing.assert_array_equal(image.pixels[0, 0], RED)
        assert image.notes == ()


def test_a_colour_profile_keeps_alpha() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.new("RGBA", (2, 1), (*RED, 255))
    picture.putpixel((1, 0), (*RED, 0))
    image = load_image(encoded(picture, "PNG", icc_profile=swap_primaries(srgb)))
    np.testing.assert_allclose(image.pixels[0], [GREEN, WHITE], atol=2)


def swap_primaries(srgb: bytes) -> bytes:
    """A profile whose red is sRGB's green and the other way round, with another name."""
    return (
        srgb.replace(b"rXYZ", b"tmpZ")
        .replace(b"gXYZ", b"rXYZ")
        .replace(b"tmpZ", b"gXYZ")
        .replace("sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be"))
    )


# ------------------------------------------------------------------------------------------- sizes


def blank_png(width: int, height: int, written: int | None = None) -> bytes:
    rows = bytes((width + 7) // 8 + 1) * (height if written is None else written)
    return png_chunks(width, height, 1, 0, rows)


def test_a_hundred_megapixels_open_with_one_note(monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        image = load_image(blank_png(10_000, 10_000))
    assert leaked == []
    assert image.pixels.shape == (10_000, 10_000, 3)
    (note,) = image.notes
    assert "10000 x 10000 pixels (100 megapixels)" in note
    assert Image.MAX_IMAGE_PIXELS == 89478485


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "WEBP", "BMP"])
def test_pillows_own_limits_do_not_matter(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(colourful(), kind, **({"lossless": True} if kind == "WEBP" else {}))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600)  # it would warn: 960 pixels
    assert load_image(data).pixels.shape == (24, 40, 3)


@pytest.mark.parametrize("kind", ["TIFF", "WEBP"])
def test_what_a_decoder_itself_refuses(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(colourful(), kind)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match=f"too large for the {kind} decoder"):
        load_image(data)


def test_above_the_limit_is_refused_before_decoding() -> None:
    with pytest.raises(ImageError, match=r"40000 x 40000 pixels \(1600 megapixels\).*400 mega"):
        load_image(blank_png(40_000, 40_000, written=1))


def test_out_of_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(images, "_rgb", full)
    with pytest.raises(ImageError, match="does not fit into memory"):
        load_image(encoded(colourful(), "PNG"))


# --------------------------------------------------------------------------------------- bad input


def test_a_missing_file_names_a_close_one(tmp_path: Path) -> None:
    (tmp_path / "elephant.jpg").touch()
    with pytest.raises(ImageError, match=r"no file .*Did you mean elephant\.jpg\?"):
        load_image(tmp_path / "elefant.jpg")
    with pytest.raises(ImageError, match=r"no file .*Check the name\."):
        load_image(tmp_path / "zzz.png")
    with pytest.raises(ImageError, match=r"folder .*nowhere does not exist"):
        load_image(tmp_path / "nowhere" / "a.png")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.png", b"", "is empty"),
        ("short.jpg", "aü€".encode(), "holds text"),
        ("notes.jpg", "Grüße, not a picture\n".encode() * 90, "holds text"),
        ("page.png", b"<!doctype html><html>", "holds text"),
        ("mystery.bin", bytes(range(256)), "not in a format that can be read"),
        ("archive.png", b"PK\x03\x04" + bytes(90), "not in a format"),
        ("phone.heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC.*pillow-heif"),
        ("phone.jpg", b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "HEIC.*convert"),
        ("start.jpg", b"\xff\xd8\xff\xe0", "JPEG data is damaged, cut short"),
        ("movie.mp4", b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41", "not in a format"),
    ],
)
def test_a_file_that_is_no_picture(
    name: str, content: bytes, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=f"(?s)^[^\n]*{name}.*{sentence}"):
        load_image(tmp_path / name)
    with pytest.raises(ImageError, match=f"^This picture .*{sentence}"):
        load_image(content)


def test_a_wrong_suffix_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "really-a-png.jpg").write_bytes(encoded(colourful(), "PNG"))
    assert load_image(tmp_path / "really-a-png.jpg").pixels.shape == (24, 40, 3)


def test_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder: name a picture"):
        load_image(tmp_path)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("https://example.org/cat.jpg", "save the picture first"),
        ("HTTP://example.org/cat.jpg", "save the picture first"),
        ("data:image/png;base64,AAAA", "save the picture first"),
        ("file://elsewhere.example/cat.jpg", "on another machine"),
        ("file://[/cat.jpg", "file address"),
        ("a\0b.png", "zero character"),
        ("a\ud800b.png", "broken character"),
        ("a" * 5000, "longer than"),
        ("", "is a folder"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other paths")
def test_addresses_and_odd_paths(source: str, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence):
        load_image(source)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "may not be read by you"),
        (OSError(errno.EIO, "Input/output error"), r"\(Input/output error\): check"),
    ],
)
def test_a_file_that_cannot_be_opened(
    error: OSError, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    (tmp_path / "a.png").touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError, match=sentence):
        load_image(tmp_path / "a.png")


@pytest.mark.skipif(not hasattr(__import__("os"), "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="is not a file"):
        load_image(tmp_path / "pipe.png")


def test_heic_is_read_where_pillow_heif_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def register_heif_opener() -> None:
        def factory(stream: Any, _: Any) -> Any:
            return Image.OPEN["PNG"][0](io.BytesIO(encoded(colourful(), "PNG")), "")

        monkeypatch.setitem(Image.OPEN, "HEIF", (factory, lambda head: head[4:8] == b"ftyp"))

    plugin = types.SimpleNamespace(register_heif_opener=register_heif_opener)
    monkeypatch.setitem(sys.modules, "pillow_heif", plugin)
    data = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
    assert load_image(data).pixels.shape == (24, 40, 3)


# ------------------------------------------------------------------------------------------- fuzz


def samples() -> list[bytes]:
    picture = colourful()
    frames = {"save_all": True, "append_images": [picture.transpose(Image.Transpose.ROTATE_180)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        encoded(picture, "JPEG", exif=exif),
        encoded(picture.convert("CMYK"), "JPEG", progressive=True),
        encoded(picture, "PNG"),
        encoded(picture.convert("P"), "PNG", transparency=3),
        encoded(picture, "PNG", **frames),
        encoded(picture, "GIF", **frames),
        encoded(picture, "BMP"),
        encoded(picture, "PPM"),
        encoded(picture, "WEBP"),
        encoded(picture, "WEBP", lossless=True, **frames),
        encoded(picture, "AVIF"),
        encoded(picture, "JPEG2000"),
        encoded(picture, "TIFF"),
        encoded(picture, "TIFF", compression="tiff_lzw", exif=exif),
        encoded(picture, "TIFF", compression="jpeg"),
        encoded(picture.convert("1"), "TIFF", compression="group4"),
        tiff(np.linspace(0, 1, 99, dtype=np.float32).reshape(9, 11)),
    ]


def survives(data: bytes) -> None:
    try:
        image = load_image(data)
    except ImageError as error:
        assert str(error).endswith((".", "?"))
        assert "\n" not in str(error)
    else:
        assert image.pixels.ndim == 3
        assert image.pixels.shape[2] == 3
        assert image.pixels.size


@pytest.mark.parametrize("index", range(17))
def test_only_image_errors_leave(index: int) -> None:
    data = samples()[index]
    chance = random.Random(index)
    for _ in range(25):
        survives(data[: chance.randrange(len(data))])
    for _ in range(75):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 1, 3, 10))):
            place = chance.randrange(min(len(data), chance.choice((64, 256, 1 << 30))))
            damaged[place] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
        survives(bytes(damaged))
    for size in (1, 7, 40, 400):
        survives(data[:8] + chance.randbytes(size))
        survives(chance.randbytes(size))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "AVIF", "TIFF", "PPM"])
def test_half_a_file_is_told(kind: str, tmp_path: Path) -> None:
    data = encoded(colourful(160, 120), kind)
    (tmp_path / "half").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=rf"half.* its {kind} data is damaged, cut short"):
        load_image(tmp_path / "half")


def test_threads_decode_at_once_and_leave_the_warning_filters_alone() -> None:
    data = encoded(colourful(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    before = list(warnings.filters)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                load_image(data)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(warnings.filters) == before


# ------------------------------------------------------------------------------------------ folders


def test_pictures_of_a_folder_in_natural_order(tmp_path: Path) -> None:
    for name in ("img10.png", "img2.JPG", "IMG1.webp", "a.tif", "notes.txt", "._img3.png", "b"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "inner.png").touch()
    found = [path.name for path in image_files(tmp_path)]
    assert found == ["a.tif", "IMG1.webp", "img2.JPG", "img10.png"]
    assert image_files(tmp_path)[0] == tmp_path / "a.tif"


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ImageError, match="no pictures directly inside"):
        image_files(tmp_path)
    with pytest.raises(ImageError, match="is a file"):
        image_files(tmp_path / "notes.txt")
    (tmp_path / "holiday").mkdir()
    with pytest.raises(ImageError, match=r"no folder .*Did you mean holiday\?"):
        image_files(tmp_path / "holidays")
