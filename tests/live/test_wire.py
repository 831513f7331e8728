"""Packets come out of a pipe as they went in, however it cuts them; what is none is noticed."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_emo.live.wire import Framed, Packet, Raw, TornError, packed


class Slow(io.RawIOBase):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data, sizes):
        self.data, self.sizes = data, iter(sizes)

    def readinto(self, buffer):
        size = min(len(buffer), next(self.sizes, len(buffer)), len(self.data))
        buffer[:size], self.data = self.data[:size], self.data[size:]
        return size


def written(packets):
    return b"".join(packed(packet) + bytes(packet.payload) for packet in packets)


def read_all(stream):
    reader = Framed()
    return list(iter(lambda: reader.read(stream), None))


@pytest.fixture
def packets(rng):
    frame = rng.integers(0, 255, 8 * 6 * 3, np.uint8)
    block = rng.standard_normal(160).astype(np.float32)
    return [Packet("rgb24", 0.2, 0.4, frame.tobytes(), 8, 6), Packet("f32", 0.0, 0.01, block.tobytes())]


@given(st.lists(st.integers(1, 50), max_size=40))
@settings(max_examples=50, deadline=None)
def test_packets_come_out_as_they_went_in_however_the_pipe_cuts_them(sizes):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 255, 8 * 6 * 3 // 2, np.uint8)
    packets = [Packet("i420", k / 5, (k + 1) / 5, frame.tobytes(), 8, 6) for k in range(3)]
    assert read_all(Slow(written(packets), sizes)) == packets


def test_a_frame_and_a_block_are_arrays(packets):
    frame, block = read_all(io.BytesIO(written(packets)))
    assert frame.picture.shape == (6, 8, 3)
    assert frame.luma.shape == (6, 8)
    assert (frame.picture[:, :, 1] == frame.luma).all()
    assert block.samples.dtype == np.float32
    assert len(block.samples) == 160


def test_a_frame_of_luma_and_color_is_converted():
    luma, color = np.full(64, 200, np.uint8), np.full(32, 128, np.uint8)
    frame = Packet("i420", 0, 0, luma.tobytes() + color.tobytes(), 8, 8)
    assert (frame.luma == 200).all()
    assert frame.picture.shape == (8, 8, 3)
    assert np.ptp(frame.picture) == 0, "no color is gray"


@pytest.mark.parametrize("at", [0, 4, 5, 13, 25])
def test_a_torn_header_is_noticed(packets, at):
    data = bytearray(written(packets))
    data[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(TornError):
        read_all(io.BytesIO(bytes(data)))


def test_a_frame_that_loses_bytes_is_noticed_at_the_next_one(packets):
    data = written(packets)
    with pytest.raises(TornError):
        read_all(io.BytesIO(data[:100] + data[107:]))


def test_a_stream_that_ends_within_a_frame_ends_before_it(packets):
    assert len(read_all(io.BytesIO(written(packets)[:-1]))) == 1


def test_sound_without_headers_has_the_times_that_its_samples_say():
    now = iter([10.1, 10.9, 10.9, 10.9])  # the reader was late once
    reader = Raw("f32", lambda: next(now), rate=1000)
    stream = io.BytesIO(np.zeros(400, np.float32).tobytes())
    times = [(p.start_s, p.end_s) for p in iter(lambda: reader.read(stream), None)]
    assert np.ravel(times) == pytest.approx([10.0, 10.1, 10.1, 10.2, 10.2, 10.3, 10.3, 10.4])


def test_frames_without_headers_are_cut_by_their_size():
    reader = Raw("i420", lambda: 3.0, width=4, height=2)
    stream = io.BytesIO(bytes(range(24)))
    assert [bytes(p.payload) for p in iter(lambda: reader.read(stream), None)] == [
        bytes(range(12)),
        bytes(range(12, 24)),
    ]
