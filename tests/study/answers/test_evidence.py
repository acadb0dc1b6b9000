"""Evidence: whatever part of a profile is committed is used, and what is not run yet is said, with its cost."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from fourierconv.study import protocol, recompute, tables
from fourierconv.study.answers import evidence
from fourierconv.study.answers.trainings import contender
from fourierconv.study.provenance import readable
from fourierconv.study.store import StudyError, key
from tests.study import protocol_runs
from tests.study.protocol_runs import EXPERIMENT, metrics, wanted

MAIN = ("accuracy", "sweep", "selection", "convergence")


def test_without_tables_everything_is_wanted_and_nothing_known(tmp_path: Path) -> None:
    found = evidence.load(*MAIN, folder=tmp_path)
    assert (found.profile, found.banner, len(found.rows)) == ("", "Not run yet.", 0)
    count = len(set(wanted(*MAIN)))
    assert found.note == f"Profile full, 0 of {count} runs."
    assert found.left() == f"{count} of {count} runs of the full profile are not done yet: their time is not known yet."
    assert set(found.missing()["core time of the rest"]) == {"not known yet"}
    assert found.missing()["runs"].sum() >= count


def test_the_pilot_is_shown_under_its_banner(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot")
    found = evidence.load("accuracy", folder=tmp_path)
    assert found.profile == "pilot"
    assert found.banner == "Pilot: one seed, short training, answers nothing."
    assert found.note.startswith("Profile pilot, one seed, 8 of 8 runs in ")
    assert found.note.endswith("of one core on abacus, torch 2.0. Made by make reproduce PROFILE=pilot.")
    assert set(found.rows["seed"]) == {protocol.PILOT_SEED}
    assert "by the measured times of the pilot profile on abacus." in found.left()


def test_one_run_of_the_full_profile_is_shown_instead_of_the_pilot(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot")
    protocol_runs.write(tmp_path, "full", wanted("predecessor")[:1])
    assert evidence.load("predecessor", folder=tmp_path).profile == "full"
    assert evidence.load("predecessor", folder=tmp_path).banner == ""
    assert evidence.load("multiscale", folder=tmp_path).profile == "pilot", "of another question"


def test_runs_for_comparison_neither_choose_the_profile_nor_count_as_wanted(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot")
    protocol_runs.write(tmp_path, "full", wanted("accuracy")[:3])
    found = evidence.load("parts", beside=("accuracy",), folder=tmp_path)
    assert found.profile == "pilot"
    assert len(found.rows) == len(found.of("parts")) + len(found.of("accuracy"))
    assert set(found.missing()["question"]) == {"parts"}
    protocol_runs.write(tmp_path, "full", [*wanted("accuracy")[:3], *wanted("parts")[:1]])
    found = evidence.load("parts", beside=("accuracy",), folder=tmp_path)
    assert (found.profile, len(found.of("parts")), len(found.of("accuracy"))) == ("full", 1, 3)
    assert found.note.startswith(f"Profile full, one seed, 1 of {len(wanted('parts'))} runs in ")
    more = [config for config in wanted("accuracy") if config.seed < 4]
    protocol_runs.write(tmp_path, "full", [*more, *wanted("parts")[:1]])
    note = evidence.load("parts", beside=("accuracy",), folder=tmp_path).note
    assert note.startswith("Profile full, up to 3 seeds and 4 of what they are compared with, ")


def test_where_nothing_is_left_no_table_is_shown(tmp_path: Path) -> None:
    configs = wanted("predecessor")
    protocol_runs.write(tmp_path, "full", configs[1:])
    assert "<table" in evidence.load("predecessor", folder=tmp_path).not_run().data
    protocol_runs.write(tmp_path, "full", configs)
    shown = evidence.load("predecessor", folder=tmp_path).not_run().data
    assert shown == f"<p>All {len(configs)} runs of the full profile are done.</p>"


def test_commands_train_all_seeds_of_a_cell_that_are_shown(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full", wanted("parts", "accuracy"))
    found = evidence.load("parts", beside=("accuracy",), folder=tmp_path)
    cells = {replace(config, seed=0) for config in wanted("parts")}
    shown = [config for config in found.rows["config"] if replace(config, seed=0) in cells]
    assert len(shown) > len(wanted("parts")), "seeds of question 1 are shown beside the question's own"
    said = found.commands().data
    assert all(said.count(key(EXPERIMENT, config)[: recompute.DIGITS]) == 1 for config in shown)
    assert all(key(EXPERIMENT, c)[: recompute.DIGITS] not in said for c in set(found.rows["config"]) - set(shown))


def test_every_run_of_a_table_is_found_by_its_config(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full")
    names = [question.name for question in protocol.questions("full")]
    found = evidence.load(*names, folder=tmp_path)
    assert set(found.rows["config"]) == set(protocol.configs("full"))
    accuracies = [metrics(config)["accuracy"] for config in found.rows["config"]]
    assert found.rows["accuracy"].tolist() == pytest.approx(accuracies, rel=1e-5)
    assert found.left() == f"All {len(protocol.configs('full'))} runs of the full profile are done."
    assert found.missing().empty


def test_contenders_of_a_question_have_names_of_their_own(tmp_path: Path) -> None:
    found = evidence.load("parts", folder=tmp_path)
    cells = {replace(config, seed=0, keep=False) for config in wanted("parts")}
    names = Counter(contender(config) for config in cells)
    assert names.most_common(1)[0][1] == 1
    assert set(found.cells("parts")["contender"]) == set(names)
    assert {"scaled, per layer, from 2 px", "conv2d 3×3, small ResNet", "conv2d 5×5, 1200 images"} <= set(names)


def test_what_is_left_is_counted_by_question_data_and_size(tmp_path: Path) -> None:
    done = wanted("limits")[:4]
    protocol_runs.write(tmp_path, "full", done)
    found = evidence.load("limits", folder=tmp_path)
    (row,) = found.missing().to_dict("records")
    count = len(wanted("limits"))
    assert (row["question"], row["data"], row["image"], row["runs"], row["done"]) == (
        "limits",
        "letters",
        "256 px",
        count,
        4,
    )
    seconds = protocol_runs.SECONDS * sum(EXPERIMENT.cost(config) for config in wanted("limits")[4:])
    assert row["core time of the rest"] == f"about {readable(seconds)}"
    assert f"{count - 4} of {count} runs of the full profile are not done yet" in found.left()


def test_a_damaged_table_is_an_error(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot")
    path = tmp_path / "pilot" / "classification.csv"
    path.write_text(path.read_text()[:-10])
    with pytest.raises(StudyError, match=r"is not the table that classification\.provenance\.json describes"):
        evidence.load("accuracy", folder=tmp_path)


def test_a_table_of_other_numerics_has_a_banner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol_runs.write(tmp_path, "pilot")
    monkeypatch.setattr(EXPERIMENT, "NUMERICS", {"layers": 99})
    assert "Made with numerics" in evidence.load("accuracy", folder=tmp_path).banner


def test_times_and_machines_are_those_of_the_run(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot")
    rows = evidence.load("limits", folder=tmp_path).rows
    assert rows["machine"].tolist() == ["abacus"]
    (config,) = rows["config"]
    assert rows["step_s"].tolist() == pytest.approx([protocol_runs.SECONDS * EXPERIMENT.cost(config) / 100])


def test_runs_of_a_device_name_it(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot", device="H0")
    assert set(evidence.load("limits", folder=tmp_path).rows["machine"]) == {"H0"}


def test_tables_and_figures_say_where_they_come_from(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot")
    found = evidence.load("accuracy", folder=tmp_path)
    html = found.table(found.cells("accuracy")[["contender"]]).data
    assert found.note in html
    assert f"<strong>{found.banner}</strong>" in html
    note, banner = (text.get_text() for text in found.stamp(Figure()).texts)
    assert (note.replace("\n", " "), banner) == (found.note, found.banner)
    assert found.banner in found.standing().data
    assert ">not run yet<" in found.table(found.cells("accuracy").iloc[:0]).data
    assert tables.files(EXPERIMENT, tmp_path / "pilot")[0].exists()
