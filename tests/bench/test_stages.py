from edge_emo.bench.stages import Bench, made_picture, made_readings
from edge_emo.models.manifest import read_manifest


def test_every_stage_does_its_work():
    bench = Bench()
    done = {name: stage() for name, stage in bench.stages().items()}
    precisions = read_manifest().models["voice"].cards
    for precision in precisions:
        assert done[f"voice net, {precision}"].shape == (1, 8)
        assert done[f"expression net, {precision}"].shape == (1, 8)
        assert {load.name for load in bench.loads} >= {f"{kind}, {precision}" for kind in ("voice", "detector")}
    assert len(done["decode, 3.7 s of FLAC"][0]) / 16000 > 3.6
    assert len(done["activity, 3.7 s"]) == 1
    assert done["sample, file to emotion"].summary.emotion
    assert done["decode, 640 x 480 JPEG"].shape == (480, 640, 3)
    assert done["frame, to one emotion"][1].shape == (1, 8)
    assert all(load.ms > 0 for load in bench.loads)


def test_what_is_made_is_the_same_again():
    assert (made_picture(64, 48) == made_picture(64, 48)).all()
    readings = made_readings("voice", 2.0)
    assert readings == made_readings("voice", 2.0)
    assert (readings[0].start_s, readings[-1].end_s, len(readings)) == (0.0, 60.0, 30)
