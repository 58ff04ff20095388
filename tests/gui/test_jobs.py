"""The engine thread: order, supersession, cancel, previews, urgent work, shutdown."""

from __future__ import annotations

import gc
import threading
import time

import pytest
from PySide6.QtCore import QThread

from cnnviz_desktop.engine.techniques import ActivationMaximization
from cnnviz_desktop.errors import CnnvizError, ImageError
from cnnviz_desktop.gui.jobs import GarbageKeeper, InternalError, Jobs, Priority
from cnnviz_desktop.gui.status_bar import StatusBar
from cnnviz_desktop.gui.work import Perform

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture
def jobs(qtbot):
    made = Jobs()
    yield made
    assert made.close(5)


class Gate:
    """Work that goes on until it is let go."""

    def __init__(self, value: object = None) -> None:
        self.began, self.go = threading.Event(), threading.Event()
        self.value = value

    def __call__(self, run):
        self.began.set()
        while not self.go.is_set():
            run.pause()
            time.sleep(0.002)
        return self.value


def test_work_runs_in_the_engine_thread_and_answers_here(jobs, qtbot) -> None:
    names: list[str] = []

    def work(run):
        names.append(QThread.currentThread().objectName())
        return 42

    job = jobs.submit(work, "Sum")
    with qtbot.waitSignal(job.done) as answer:
        pass
    assert answer.args == [42]
    assert names == ["engine"]
    assert jobs.busy() == []


def test_the_status_bar_names_what_runs_once_a_click_is_answered(jobs, qtbot) -> None:
    bar = StatusBar(jobs)
    qtbot.addWidget(bar)
    long, short = Gate(), Gate()
    jobs.submit(long, "Growing", priority=Priority.RUN)
    qtbot.waitUntil(lambda: bar.text() == "Growing…")
    jobs.submit(short, "Recording", priority=Priority.CLICK)
    qtbot.waitUntil(lambda: bar.text() == "Recording…")
    short.go.set()
    qtbot.waitUntil(lambda: bar.text() == "Growing…")
    long.go.set()
    qtbot.waitUntil(lambda: bar.text() == "Ready")


def test_urgent_jobs_go_first(jobs, qtbot) -> None:
    gate, order = Gate(), []
    jobs.submit(lambda run: gate.began.set() or gate.go.wait(5), "Wait", priority=Priority.CLICK)
    gate.began.wait(5)
    last = jobs.submit(lambda run: order.append("background"), "b", priority=Priority.BACKGROUND)
    jobs.submit(lambda run: order.append("run"), "r", priority=Priority.RUN)
    jobs.submit(lambda run: order.append("click"), "c", priority=Priority.CLICK)
    with qtbot.waitSignal(last.done):
        gate.go.set()
    assert order == ["click", "run", "background"]


def test_a_long_job_answers_clicks_between_its_steps(jobs, qtbot) -> None:
    gate = Gate("long")
    long = jobs.submit(gate, "Long", priority=Priority.RUN)
    gate.began.wait(5)
    with qtbot.waitSignal(jobs.submit(lambda run: "click", "Click").done) as answer:
        pass
    assert answer.args == ["click"]
    with qtbot.waitSignal(long.done) as answer:
        gate.go.set()
    assert answer.args == ["long"]


def test_a_network_comes_between_the_steps_of_a_run_and_clicks_between_its_own(jobs, qtbot) -> None:
    growing, download = Gate("grown"), Gate("network")
    long = jobs.submit(growing, "Growing", priority=Priority.RUN)
    growing.began.wait(5)
    load = jobs.submit(download, "Loading", priority=Priority.LOAD)
    assert download.began.wait(5)
    with qtbot.waitSignal(jobs.submit(lambda run: "click", "Click").done) as answer:
        pass
    assert answer.args == ["click"]
    with qtbot.waitSignal(load.done):
        download.go.set()
    with qtbot.waitSignal(long.done):
        growing.go.set()


def test_a_held_job_waits_and_lets_all_but_the_longest_pass(jobs, qtbot) -> None:
    steps, order, seen = [], [], []

    def grow(run):
        for step in run.track(range(10**6), "Growing"):
            steps.append(step)
            time.sleep(0.001)
            if run.finishing:
                return len(steps)
        return -1

    long = jobs.submit(grow, "Grow", priority=Priority.RUN)
    long.held_changed.connect(lambda: seen.append(long.held))
    qtbot.waitUntil(lambda: len(steps) > 3)
    long.hold()
    short = jobs.submit(lambda run: order.append("background"), "b", priority=Priority.BACKGROUND)
    spare = jobs.submit(lambda run: order.append("spare"), "s", priority=Priority.SPARE)
    with qtbot.waitSignal(short.done):
        pass
    made, worked = len(steps), long.worked
    with qtbot.waitSignal(jobs.submit(lambda run: None, "Click").done):
        pass
    assert len(steps) == made
    assert long.worked == worked  # the clock stands
    with qtbot.waitSignal(spare.done), qtbot.waitSignal(long.done) as answer:
        long.resume()
        qtbot.waitUntil(lambda: len(steps) > made)
        long.finish()
    assert answer.args == [len(steps)]
    assert order == ["background", "spare"]
    assert seen == [True, False]


def test_an_answers_time_is_without_that_it_was_held(jobs, engine, model, qtbot) -> None:
    engine.reach = 2
    technique = ActivationMaximization(layer="block", steps=4)
    job = jobs.submit(Perform(engine, technique, model, None), "Grow", priority=Priority.RUN)
    qtbot.waitUntil(engine.busy.is_set)
    job.hold()
    qtbot.wait(600)
    engine.reach = 10
    with qtbot.waitSignal(job.done) as answer:
        job.resume()
    assert answer.args[0].seconds < 0.5


def test_a_held_job_is_cancelled_and_finished_at_once(jobs, qtbot) -> None:
    for end in ("cancel", "finish"):
        ran, began = [], threading.Event()

        def grow(run, ran=ran, began=began):
            for _ in run.track(range(10**6), "Growing"):
                began.set()
                if run.finishing:
                    ran.append("finished")
                    return
                time.sleep(0.001)

        job = jobs.submit(grow, "Grow", priority=Priority.RUN)
        assert began.wait(5)
        job.hold()
        start = time.perf_counter()
        getattr(job, end)()
        after = jobs.submit(lambda run: None, "Next", priority=Priority.SPARE)  # the thread is free
        with qtbot.waitSignal(after.done):
            pass
        assert time.perf_counter() - start < 0.2
        assert ran == (["finished"] if end == "finish" else [])


def test_a_job_hands_over_the_newest_parameters(jobs, qtbot) -> None:
    gate, taken = Gate(), []

    def work(run):
        gate(run)
        taken.extend([run.adjusted(), run.adjusted()])

    job = jobs.submit(work, "Grow", priority=Priority.RUN)
    gate.began.wait(5)
    job.adjust("first")
    job.adjust("second")
    with qtbot.waitSignal(job.done):
        gate.go.set()
    assert taken == ["second", None]


def test_a_newer_job_of_the_slot_supersedes(jobs, qtbot) -> None:
    gate, heard = Gate(), []
    old = jobs.submit(gate, "Old", slot="maps")
    old.done.connect(heard.append)
    old.cancelled.connect(lambda: heard.append("cancelled"))
    gate.began.wait(5)
    new = jobs.submit(lambda run: "new", "New", slot="maps")
    with qtbot.waitSignal(new.done):
        pass
    assert heard == []


def test_cancel_answers_at_once_though_the_work_is_deaf(jobs, qtbot) -> None:
    began = threading.Event()

    def deaf(run):
        began.set()
        time.sleep(0.6)
        return "late"

    heard: list[object] = []
    job = jobs.submit(deaf, "Deaf")
    job.done.connect(heard.append)
    job.cancelled.connect(lambda: heard.append("cancelled"))
    began.wait(5)
    start = time.perf_counter()
    job.cancel()
    assert time.perf_counter() - start < 0.2
    assert heard == ["cancelled"]
    assert jobs.busy() == []
    with qtbot.waitSignal(jobs.submit(lambda run: "next", "Next").done):
        pass
    assert heard == ["cancelled"]


def test_a_waiting_job_can_be_cancelled(jobs, qtbot) -> None:
    gate, ran = Gate(), []
    first = jobs.submit(gate, "First")
    gate.began.wait(5)
    second = jobs.submit(lambda run: ran.append(1), "Second")
    second.cancel()
    with qtbot.waitSignal(first.done):
        gate.go.set()
    with qtbot.waitSignal(jobs.submit(lambda run: None, "Third").done):
        pass
    assert ran == []


def test_failures_keep_their_sentence(jobs, qtbot) -> None:
    def work(run):
        raise ImageError("There is no picture.")

    with qtbot.waitSignal(jobs.submit(work, "Fail").failed) as answer:
        pass
    assert str(answer.args[0]) == "There is no picture."
    assert answer.args[0].__traceback__ is None


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")]
)
def test_out_of_memory_is_no_bug(jobs, qtbot, error) -> None:
    def work(run):
        raise error

    reports: list[str] = []
    jobs.crashed.connect(reports.append)
    with qtbot.waitSignal(jobs.submit(work, "Big").failed) as answer:
        pass
    assert "not enough memory" in str(answer.args[0])
    assert reports == []


def test_a_bug_has_a_report(jobs, qtbot) -> None:
    def work(run):
        raise KeyError("oops")

    with qtbot.waitSignal(jobs.crashed) as report:
        job = jobs.submit(work, "Bug")
        failures: list[CnnvizError] = []
        job.failed.connect(failures.append)
    assert "KeyError: 'oops'" in report.args[0]
    assert isinstance(failures[0], InternalError)


def test_progress_is_thinned_and_the_last_step_is_told(jobs, qtbot) -> None:
    seen: list[int] = []

    def work(run):
        for _ in run.track(range(5000), "Counting"):
            pass

    job = jobs.submit(work, "Count")
    job.progressed.connect(lambda progress: seen.append(progress.done))
    with qtbot.waitSignal(job.done):
        pass
    assert seen[-1] == 5000
    assert len(seen) < 100


@pytest.mark.parametrize(("calm", "count"), [(0.0, 5), (3600.0, 1)])
def test_previews_keep_the_distance_that_is_asked_for(jobs, qtbot, calm, count) -> None:
    jobs.calm = calm
    seen: list[object] = []

    def work(run):
        for number in range(5):
            run.preview(number)
            time.sleep(0.05)  # the window takes it meanwhile

    job = jobs.submit(work, "Grow")
    job.previewed.connect(seen.append)
    with qtbot.waitSignal(job.done):
        pass
    assert seen == list(range(count))


def test_closing_stops_a_running_job(qtbot) -> None:
    jobs, gate = Jobs(), Gate()
    jobs.submit(gate, "Endless")
    gate.began.wait(5)
    start = time.perf_counter()
    assert jobs.close(5)
    assert time.perf_counter() - start < 1
    assert jobs.submit(lambda run: 1, "After") is not None
    assert jobs.busy() == []


def test_larger_collections_wait_for_a_quiet_moment(qapp, monkeypatch):
    done: list[int] = []
    quiet = False
    keeper = GarbageKeeper(lambda: quiet)
    counts = [1, 11, 11]
    monkeypatch.setattr(gc, "get_count", lambda: tuple(counts))
    monkeypatch.setattr(gc, "get_threshold", lambda: (700, 10, 10))
    monkeypatch.setattr(gc, "collect", done.append)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    try:
        keeper._collect()
        assert done == []
        counts[0] = 701  # the young ones are collected meanwhile
        keeper._collect()
        assert done == [0]
        quiet = True
        keeper._collect()
        assert done == [0, 2]
        quiet, counts[2] = False, 501  # never quiet: late is better than never
        keeper._collect()
        assert done == [0, 2, 2]
    finally:
        monkeypatch.undo()
        keeper.close()
