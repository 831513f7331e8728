"""Write the figures into the README and the pages of docs/ from the kept results.

    python -m benchmarks.report

What stands between `<!-- figures: NAME -->` and `<!-- end of figures -->` is written anew; the tests fail where it says
something else than the results.
"""

from __future__ import annotations

import re

import click

from benchmarks import tables
from benchmarks.environment import ROOT, read
from edge_emo.core.files import atomic_write
from edge_emo.music.store.catalogue import Catalogue

PAGES = (ROOT / "README.md", ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "raspberry-pi.md")
_BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)

_VOICE_STEPS = {
    "level, dB": ("-50", "-20", "6", "18"),
    "upper limit, kHz": ("4", "2"),
    "white noise, dB below the voice": ("20", "10", "0"),
    "other voices, dB below the voice": ("20", "10", "0"),
    "MP3, kbit/s": ("64", "16"),
}
_FACE_STEPS = {
    "side of the face, pixels": ("24", "12"),
    "blur, % of the side": ("2", "4"),
    "light, stops": ("-3", "2"),
    "turned, degrees": ("20", "45"),
    "covered from below, %": ("30", "50"),
    "covered from above, %": ("30", "50"),
}
_PEERS: list[tuple[str, str, str]] = [
    ("13 MFCCs of 3 s at 16 kHz", "mfcc", "python_speech_features"),
    ("100 MFCCs of 3 s at 22,050 Hz", "librosa mfcc", "librosa"),
    ("network voice", "voice int8", "Keras predict"),
    ("network voice", "voice int8", "TFLite fp32"),
    ("network voice", "voice int8", "TFLite int8"),
    ("network voice", "voice int8", "edge-emo fp32"),
    ("faces of 640 x 480", "detect fp32", "MediaPipe short range"),
    ("faces of 640 x 480", "detect fp32", "MediaPipe full range"),
    ("faces of 640 x 480", "detect fp32", "OpenCV Haar"),
    ("faces and expression", "detect and recognise int8", "MediaPipe short range + TFLite fp32"),
    ("faces and expression", "detect and recognise int8", "MediaPipe full range + TFLite fp32"),
]
"""The comparisons of the README."""


def intro() -> str:
    """What there is, and how fast."""
    with Catalogue() as catalogue:
        info = catalogue.info()
    film = sorted(read("latency")["results"]["film_s"])[1]
    return (
        f"Everything runs on your machine: networks of {tables.default_megabytes():.1f} MB in all, a catalogue of "
        f"{info.songs:,} real tracks, no network\naccess, ever. Each song says how it may be used, with the exact "
        f"credit line for the {info.by_license['CC BY 4.0']:,} under CC BY.\nA 3 s clip takes about "
        f"{tables.median_ms('clip of 3 s, file to emotion, voice int8'):.0f} ms from file to emotion on one core, a "
        f"camera frame about {tables.median_ms('frame, to one emotion'):.0f} ms, a film of a minute about {film:.0f} s."
    )


def streamed() -> str:
    """How long recordings and films take."""
    results = read("scaling")["results"]
    speech = {row["size"]: row for row in results["minutes of speech"]["rows"]}
    film = {row["size"]: row for row in results["minutes of film"]["rows"]}
    hour, ten_hours, long = speech[60], speech[600], film[120]
    return (
        f"Files are streamed: an hour of speech takes {hour['seconds']:.0f} s and {hour['peak_mb']:.0f} MB, ten hours "
        f"{ten_hours['seconds']:.0f} s and {ten_hours['peak_mb']:.0f} MB, a film of\ntwo hours (640 × 360) "
        f"{long['seconds'] / 60:.0f} minutes and {long['peak_mb']:.0f} MB."
    )


def voice() -> str:
    """Accuracy of voices."""
    return f"{tables.voice_accuracy()}\n\n{tables.voice_details()}\n{_measured('voice_accuracy')}"


def voice_robustness() -> str:
    """Voices recorded worse."""
    return f"{tables.curve('voice', _VOICE_STEPS)}\n\n{_measured('voice_robustness')}"


def face() -> str:
    """Accuracy of faces."""
    return f"{tables.face_accuracy()}\n\n{tables.face_details()}\n{_measured('face_accuracy')}"


def face_robustness() -> str:
    """Faces seen worse."""
    return f"{tables.curve('face', _FACE_STEPS)}\n\n{_measured('face_robustness')}"


def detector() -> str:
    """The default detector, and the other precision in a sentence."""
    small = read("detector_accuracy")["results"]["face-detector int8"]["as they are"]
    return (
        f"{tables.detector('face-detector fp32')}\n\nint8 finds {small['recall']['value']:.3f} with "
        f"{small['false_per_photo']:.3f} false boxes.\n{_measured('detector_accuracy')}"
    )


def speed() -> str:
    """The README's table of speed."""
    rows = [
        [
            "clip of 3 s, file to emotion, int8 / fp32 (two utterances, two windows)",
            _pair("clip of 3 s, file to emotion, voice"),
        ],
        ["features of 3 s", f"{tables.median_ms('features, 3 s'):.2f}"],
        ["`voice` network, int8 / fp32, one window", f"{_ms('voice net, int8')} / {_ms('voice net, fp32')}"],
        ["`face-detector` int8 / fp32 (default), frame of 640 × 480", _pair("frame with a face, face-detector")],
        ["align and recognise one face, `face` int8 / fp32", _pair("align and recognise, face")],
        ["the same, `face-classic` int8 / fp32", _pair("align and recognise, face-classic")],
        ["fusion of a minute of voice and face", f"{tables.median_ms('fusion, a minute of both'):.1f}"],
        [f"ten songs out of {_n_songs()}", f"{tables.median_ms('songs, ten'):.1f}"],
    ]
    results = read("latency")["results"]
    cold = read("coldstart")["results"]["processes"]
    film = ", ".join(f"{seconds:.1f}" for seconds in results["film_s"])
    whole = cold["edge-emo recommend sample --json"]
    return (
        f"One core of an {tables.machine('latency')}, medians:\n\n{tables.table(['', 'ms'], rows)}\n\n"
        "A film of 60 s, 1280 × 720, 25 frames a second of which 5 are looked at, voice and face, on two cores: "
        f"{film} s in three\nruns. `edge-emo --help` takes {cold['edge-emo --help']['median_s']:.2f} s; `edge-emo "
        f"recommend sample --json`, a whole process, {whole['median_s']:.2f} s and {whole['peak_mb']:.0f} MB."
    )


def _measured(name: str) -> str:
    return f"Measured by {tables.command(name)}."


def _n_songs() -> str:
    with Catalogue() as catalogue:
        return f"{catalogue.info().songs:,}"


def _ms(stage: str) -> str:
    return f"{tables.median_ms(stage):.2f}"


def _pair(stage: str) -> str:
    return f"{_ms(f'{stage} int8')} / {_ms(f'{stage} fp32')}"


def peers() -> str:
    """The README's rows of peers."""
    return f"One core of an {tables.machine('peers')}:\n\n{tables.peers(_PEERS)}\n\n{tables.peer_accuracy()}"


def recommender() -> str:
    """Speed and learning of the recommender."""
    results = read("recommender")["results"]
    bundled, large = results["bundled_ms"], results["large"]
    times = large["recommendation_ms"]
    learning = results["learning"]
    kept = {kind: values[0] for kind, values in learning["after_200"].items()}
    ratios = {
        name: "{:.1f} times, {:.1f} to {:.1f}".format(*found) for name, found in learning.items() if "ratio" in name
    }
    number = f"{large['songs']:,}"
    rows = [
        [f"ten songs out of {_n_songs()}, median / 95th percentile", f"{bundled['p50']:.1f} / {bundled['p95']:.1f} ms"],
        [
            f"ten songs out of {number}, median / 95th percentile",
            f"{times['p50']:.1f} / {times['p95']:.1f} ms",
        ],
        [f"the first of {number}, which reads them", f"{times['first'] / 1000:.0f} s"],
        [f"a CSV of {number} songs, imported", f"{large['import_s']:.0f} s"],
    ]
    return (
        f"One core of an {tables.machine('recommender')}:\n\n{tables.table(['', ''], rows)}\n\n"
        f"What learning brings, on {learning['listeners']} simulated listeners of known taste (for genres, artists and "
        "moods) who look at a list from\nthe top and keep what they like: after 200 lists of ten they would keep "
        f"{kept['learned']:.2f} of the first five songs, against {kept['unlearned']:.2f} without\nlearning "
        f"({ratios['ratio_to_unlearned']}, 95 % interval) and {kept['random']:.2f} of random songs "
        f"({ratios['ratio_to_random']}); in the lists 11 to 35\nalready {ratios['ratio_to_unlearned_lists_11_to_35']}."
    )


def peers_whole() -> str:
    """Every peer, and what was left out."""
    skipped = read("peers")["results"]["skipped"]
    left_out = "; ".join(f"{name} ({reason})" for name, reason in skipped.items())
    text = f"{tables.machine('peers')}; {read('peers')['results']['rounds']} rounds.\n\n{tables.peers()}"
    return f"{text}\n\nLeft out: {left_out}." if left_out else text


def detectors() -> str:
    """Both precisions of the detector."""
    return "\n\n".join(tables.detector(name) for name in read("detector_accuracy")["results"])


def latency() -> str:
    """Every stage."""
    return f"{tables.machine('latency')}.\n\n{tables.latency()}"


def growth() -> str:
    """Cost as work grows."""
    songs = read("scaling")["results"]["songs"]["rows"][-1]
    return (
        f"{tables.machine('scaling')}.\n\n{tables.growth()}\n\n"
        f"A CSV of {songs['size']:,} songs was imported in {songs['import_s'] / 60:.0f} min, into "
        f"{songs['megabytes'] / 1000:.1f} GB; the first recommendation, which reads\nthem all, took "
        f"{songs['first_s']:.0f} s."
    )


def live() -> str:
    """Hours of a live session."""
    row = read("live")["results"]["live"]["rows"][-1]
    return (
        f"{tables.machine('live')}. Of {row['size']} hours, with two frames\na second, a step costs "
        f"{row['first_hour_ms']:.1f} ms of the processor in the first and {row['last_hour_ms']:.1f} ms in the last; "
        f"{row['first_minute_mb']:.1f} MB are held\nafter the first minute, {row['least_mb']:.1f} to "
        f"{row['most_mb']:.1f} MB after it, and {row['last_mb']:.1f} MB at the end."
    )


def endurance() -> str:
    """Weeks of a live service, simulated."""
    found = read("endurance")["results"]
    run, held = found["service"], found["processes"]
    return (
        f"{tables.machine('endurance')}. In {run['hours']:.0f} simulated hours\nthe camera or the microphone was "
        f"pulled out {run['unplugs']:,} times, and was back within 5 s of its return {run['back_soon']:,} times, "
        f"after {run['longest_back_s']:.1f} s at the\nlatest; {run['lost_events']:,} times it was told to be lost, "
        f"{run['open_events'] - 2:,} times to be back. {run['visits']} visitors came: {run['came_events']} were "
        f"told to come,\n{run['went_events']} to go. After the first hours {run['least_mb']:.1f} to "
        f"{run['most_mb']:.1f} MB were held. {held['times']} real processes were opened and killed;\n"
        f"{held['descriptors_after']} descriptors, {held['threads_after']} thread and {held['children_after']} "
        f"children were there after it, {held['descriptors_before']}, {held['threads_before']} and "
        f"{held['children_before']} before."
    )


def idle() -> str:
    """What a live service costs."""
    found = read("idle")["results"]
    rows = [
        [
            f"{who} is there",
            *(f"{found[who][f'{part}_percent']:.1f}" for part in ("service", "devices")),
            f"{found[who]['seconds_an_hour']:.0f}",
            *(f"{found[who][f'{part}_mb']:.0f}" for part in ("service", "devices")),
        ]
        for who in ("nobody", "somebody")
    ]
    head = ["", "service, % of a core", "devices, %", "both, CPU s an hour", "service, MB", "devices, MB"]
    load = found["load"]["processes_that_wanted_a_core"]
    return (
        f"{tables.machine('idle')}, over {found['nobody']['seconds']:.0f} s each,\nwhile {load:.1f} processes wanted "
        f"its cores.\n\n{tables.table(head, rows)}"
    )


def kills() -> str:
    """`kill -9` of a live service and its devices."""
    found = read("kills")["results"]
    return (
        f"{tables.machine('kills')}. Of {found['kills']} kills,\n{found['of_devices']} were of a device's process and "
        f"{found['of_the_service']} of the service. Both devices worked again after {found['came_back']} of them,\n"
        f"{found['left_behind']} processes were left behind. Of {found['songs_told']:,} songs that were told "
        f"{found['songs_told_but_not_kept']} are missing in the history, whose check\nsays {found['database']}."
    )


def coldstart() -> str:
    """Processes, imports, sizes."""
    return (
        f"{tables.machine('coldstart')}.\n\n{tables.processes()}\n\n"
        f"Imports until the first voice is recognised: {tables.largest('import_ms', 'ms')}\n"
        f"Installed without extras: {tables.largest('installed_mb', 'MB')}"
    )


BLOCKS = {
    function.__name__: function
    for function in (
        intro,
        streamed,
        voice,
        voice_robustness,
        tables.strangers,
        face,
        face_robustness,
        detector,
        detectors,
        speed,
        latency,
        peers,
        peers_whole,
        growth,
        live,
        endurance,
        idle,
        kills,
        coldstart,
        recommender,
        tables.peer_accuracy,
        tables.voice_curves,
        tables.face_curves,
        tables.export,
        tables.models,
        tables.stage_costs,
        tables.arm_networks,
        tables.arm_front_ends,
        tables.arm_variants,
        tables.arm_tests,
    )
}


def with_figures(text: str) -> str:
    """Return a page with its figures written anew. Raises KeyError for a block of a name that there is not."""
    return _BLOCK.sub(lambda found: f"{found.group(1)}{BLOCKS[found.group(2)]()}\n{found.group(3)}", text)


@click.command()
def main() -> None:
    """Write the figures of every page."""
    for path in PAGES:
        before = path.read_text(encoding="utf-8")
        after = with_figures(before)
        with atomic_write(path) as draft:
            draft.write_text(after, encoding="utf-8")
        click.echo(f"{path.relative_to(ROOT)}: {'as it was' if after == before else 'written'}", err=True)


if __name__ == "__main__":
    main()
