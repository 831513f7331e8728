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
from edge_emo.core.emotions import VALENCE_AROUSAL
from edge_emo.core.files import atomic_write
from edge_emo.music.store.catalogue import Catalogue
from export.train.corpora import STRANGERS

PAGES = (
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("benchmarks", "emotions", "raspberry-pi")),
)
_BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def summary() -> str:
    """The table of the README: accuracy on people and corpora never met, time, size."""
    voice_found = read("voice_accuracy")["results"]["cross_validation"]["voice int8"]["uar"]
    face_found = read("face_accuracy")["results"]["face int8"]
    ((_, strangers),) = read("voice_strangers")["results"].items()
    eye, together = face_found["labelled_by_eye"], strangers["together"]
    elsewhere = ", ".join(
        f"{strangers[name]['uar']['value']:.2f} on {what} (chance {1 / len(STRANGERS[name]):.2f})"
        for name, what in (("urdu", "Urdu talk shows"), ("casia", "Mandarin actors"))
    )
    clip, frame = (
        tables.median_ms(stage) for stage in ("clip of 3 s, file to emotion, voice int8", "frame, to one emotion")
    )
    rows = [
        [
            "new people, same kind of recording",
            f"UAR {voice_found['mean']:.2f} ± {voice_found['sd']:.2f} on RAVDESS, eight emotions (chance 0.13)",
            f"accuracy {face_found['public_test']['accuracy']:.2f} on FER+ PublicTest",
        ],
        ["other corpora", f"UAR {elsewhere}", f"accuracy {eye['accuracy']:.2f} on {eye['n']} photos labelled by eye"],
        [
            "how often it answers there",
            f"{together['named']:.0%} of clips from four corpora; {together['named_right']:.0%} of them right",
            "not measured",
        ],
        ["time on one core", f"{clip:.0f} ms for a 3 s clip", f"{frame:.0f} ms for a camera frame"],
        [
            "size",
            f"{tables.default_megabytes('voice'):.1f} MB",
            f"{tables.default_megabytes('face', 'face-detector'):.1f} MB with the detector",
        ],
    ]
    return tables.table(["", "voice", "face"], rows)


def emotions() -> str:
    """The eight emotions and their places."""
    rows = [[name, f"{valence:g}", f"{arousal:g}"] for name, (valence, arousal) in VALENCE_AROUSAL.items()]
    return tables.table(["emotion", "valence", "arousal"], rows)


def limits() -> str:
    """How far the default voice model can be trusted with strangers."""
    ((_, found),) = read("voice_strangers")["results"].items()
    together, readers = found["together"], found["librispeech"]
    return (
        "- **Few kinds of speech.** The voice model learned from actors speaking two English sentences and some German "
        "ones in a\n  quiet room. On four corpora of strangers (Mandarin, Urdu, Amharic, Bengali) `voice` answers for "
        f"{together['named']:.0%} of the clips, and\n  {together['named_right']:.0%} of these answers are right. It "
        f"labels {readers['files_named_otherwise']:.0%} of recordings of ordinary readers as something other than\n  "
        "neutral or calm ([benchmarks](benchmarks.md#voices))."
    )


def catalogue() -> str:
    """What the catalogue holds, and how it may be used."""
    with Catalogue() as opened:
        info = opened.info()
    credited = info.by_license["CC BY 4.0"]
    return (
        f"- **Songs:** the catalogue holds facts about {info.songs:,} songs, and no sound. {credited:,} are CC BY "
        "4.0: free in any video,\n  including commercial ones, with the credit line that edge-emo prints. "
        f"{info.songs - credited:,} are under the YouTube Audio Library\n  licence: free in videos, but the files "
        "may not be passed on."
    )


def streamed() -> str:
    """How long recordings and films take."""
    results = read("scaling")["results"]
    speech = {row["size"]: row for row in results["minutes of speech"]["rows"]}
    film = {row["size"]: row for row in results["minutes of film"]["rows"]}
    hour, ten_hours, long = speech[60], speech[600], film[120]
    return (
        f"Files are streamed. An hour of speech takes {hour['seconds']:.0f} s and {hour['peak_mb']:.0f} MB, ten hours "
        f"take {ten_hours['seconds']:.0f} s and {ten_hours['peak_mb']:.0f} MB,\nand a two-hour film (640 × 360) takes "
        f"{long['seconds'] / 60:.0f} minutes and {long['peak_mb']:.0f} MB."
    )


def voice() -> str:
    """Accuracy of voices."""
    return f"{tables.voice_accuracy()}\n\n{tables.voice_details()}\n{_measured('voice_accuracy')}"


def face() -> str:
    """Accuracy of faces."""
    return f"{tables.face_accuracy()}\n\n{tables.face_details()}\n{_measured('face_accuracy')}"


def speed() -> str:
    """The times that users wait, and a few others."""
    rows = [
        [
            "3 s clip, file to emotion, int8 / fp32 (two utterances, two windows)",
            _pair("clip of 3 s, file to emotion, voice"),
        ],
        ["features of 3 s", f"{tables.median_ms('features, 3 s'):.2f}"],
        ["`voice` network, one window, int8 / fp32", f"{_ms('voice net, int8')} / {_ms('voice net, fp32')}"],
        ["`face-detector`, int8 / fp32 (default), 640 × 480 frame", _pair("frame with a face, face-detector")],
        ["align and recognise one face with `face`, int8 / fp32", _pair("align and recognise, face")],
        ["the same for `face-classic`, int8 / fp32", _pair("align and recognise, face-classic")],
        ["fusing a minute of voice and face", f"{tables.median_ms('fusion, a minute of both'):.1f}"],
        [f"ten songs from {_n_songs()}", f"{tables.median_ms('songs, ten'):.1f}"],
    ]
    results = read("latency")["results"]
    cold = read("coldstart")["results"]["processes"]
    film = ", ".join(f"{seconds:.1f}" for seconds in results["film_s"])
    whole = cold["edge-emo recommend sample --json"]
    return (
        f"One core of an {tables.machine('latency')}, medians:\n\n{tables.table(['', 'ms'], rows)}\n\n"
        "A 60 s film (1280 × 720, 25 frames a second, of which 5 are analyzed; voice and face; two cores) took "
        f"{film} s in three runs.\n`edge-emo --help` takes {cold['edge-emo --help']['median_s']:.2f} s. The whole "
        f"process `edge-emo recommend sample --json` takes {whole['median_s']:.2f} s and {whole['peak_mb']:.0f} MB."
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
        [f"ten songs from {_n_songs()}, median / 95th percentile", f"{bundled['p50']:.1f} / {bundled['p95']:.1f} ms"],
        [
            f"ten songs from {number}, median / 95th percentile",
            f"{times['p50']:.1f} / {times['p95']:.1f} ms",
        ],
        [f"the first call with {number}, which loads them", f"{times['first'] / 1000:.0f} s"],
        [f"importing a CSV of {number} songs", f"{large['import_s']:.0f} s"],
    ]
    return (
        f"One core of an {tables.machine('recommender')}:\n\n{tables.table(['', ''], rows)}\n\n"
        f"What learning adds was measured on {learning['listeners']} simulated listeners with known tastes in genres, "
        "artists and moods, who read each\nlist from the top and keep what they like. After 200 lists of ten they keep "
        f"{kept['learned']:.2f} of the first five songs, against {kept['unlearned']:.2f}\nwithout learning "
        f"({ratios['ratio_to_unlearned']}, 95% interval) and {kept['random']:.2f} of random songs "
        f"({ratios['ratio_to_random']}).\nIn lists 11 to 35 the gain is already "
        f"{ratios['ratio_to_unlearned_lists_11_to_35']}."
    )


def peers() -> str:
    """Every peer, and what was left out."""
    skipped = read("peers")["results"]["skipped"]
    left_out = "; ".join(f"{name} ({reason})" for name, reason in skipped.items())
    text = f"{tables.machine('peers')}; {read('peers')['results']['rounds']} rounds.\n\n{tables.peers()}"
    return f"{text}\n\nLeft out: {left_out}." if left_out else text


def latency() -> str:
    """Every stage."""
    return f"{tables.machine('latency')}.\n\n{tables.latency()}"


def growth() -> str:
    """Cost as work grows."""
    songs = read("scaling")["results"]["songs"]["rows"][-1]
    return (
        f"{tables.machine('scaling')}.\n\n{tables.growth()}\n\n"
        f"Importing a CSV of {songs['size']:,} songs took {songs['import_s'] / 60:.0f} min and "
        f"{songs['megabytes'] / 1000:.1f} GB. The first recommendation, which loads\nthem all, took "
        f"{songs['first_s']:.0f} s."
    )


def live() -> str:
    """Hours of a live session."""
    row = read("live")["results"]["live"]["rows"][-1]
    return (
        f"{tables.machine('live')}.\n\nOver {row['size']} hours at two frames a second, a step costs "
        f"{row['first_hour_ms']:.1f} ms of processor time in the first hour and {row['last_hour_ms']:.1f} ms in the\n"
        f"last. Memory is {row['first_minute_mb']:.1f} MB after the first minute, stays between {row['least_mb']:.1f} "
        f"and {row['most_mb']:.1f} MB, and ends at {row['last_mb']:.1f} MB."
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


def presence() -> str:
    """How soon somebody is noticed."""
    found = read("presence")["results"]
    rows = [
        [kind, f"{each['noticed']} of {each['arrivals']}", *(f"{each[f'p{rank}_s']:.2f}" for rank in (50, 95, 100))]
        for kind, each in found.items()
    ]
    head = ["", "noticed", "half within, s", "95% within, s", "all within, s"]
    return f"{tables.machine('presence')}.\n\n{tables.table(head, rows)}"


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
        f"Import time up to the first recognised voice: {tables.largest('import_ms', 'ms')}\n"
        f"\nInstalled size without extras: {tables.largest('installed_mb', 'MB')}"
    )


BLOCKS = {
    function.__name__: function
    for function in (
        summary,
        emotions,
        limits,
        catalogue,
        streamed,
        voice,
        tables.strangers,
        face,
        tables.detectors,
        speed,
        latency,
        peers,
        growth,
        live,
        endurance,
        presence,
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
