"""Extra processes: a queue's worker or a local database beside the site."""

from __future__ import annotations

import shutil
import signal
import threading

import psutil
import pytest

from tests.integration.running import (
    APPS,
    assert_nothing_is_left,
    environment,
    outrider,
    serving,
    start,
    until,
)

pytestmark = pytest.mark.integration

HELPER = "helper=python helper.py helper"


@pytest.fixture
def project(tmp_path):
    shutil.copytree(APPS / "beside", tmp_path / "beside")
    return tmp_path / "beside"


def helpers(site, name="helper"):
    """Return the first process of each extra process of that name."""
    return site.children(f"helper.py {name}")


def test_it_runs_beside_the_site_is_logged_under_its_name_and_leaves_with_it(project, free_port):
    (project / "site.env").write_text("GREETING=hello\n")
    words = ("--process", HELPER, "--env-file", "site.env")
    with serving(*words, cwd=project, port=free_port) as site:
        site.wait_for(r"\d helper +pid=\d+ greeting=hello in beside")
        site.wait_for(r"beside +helper")
        until((project / "helper-runs").exists)  # from now on it hears that it shall leave
        assert site.get("/").text == "hello\n"
        [helper] = helpers(site)
        assert helper.exe() == psutil.Process().exe()
        assert site.stop() == 0
        assert "helper helper says goodbye" in site.log
        assert_nothing_is_left(site)
        assert (project / "helper-log").read_text() == "started\nleft\n"


def test_its_lines_are_objects_in_a_json_log(project, free_port):
    words = ("--process", HELPER, "--log-format", "json")
    with serving(*words, cwd=project, port=free_port) as site:
        site.wait_for(r'"source": "helper", "text": "pid=')
        assert site.stop() == 0


def test_one_that_is_killed_starts_again_and_the_site_does_not_notice(project, free_port):
    with serving("--process", HELPER, cwd=project, port=free_port) as site:
        until((project / "helper-runs").exists)
        [before] = helpers(site)
        descendants = before.children()
        before.kill()
        site.wait_for(r"warning: process helper: it was ended by SIGKILL.*starts again in 1 s")
        until(lambda: helpers(site))
        assert helpers(site) != [before]
        assert site.get("/").text == "hello\n"
        # What the dead one had started is not left to run beside the new one.
        until(lambda: not any(child.is_running() for child in descendants))
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_one_that_cannot_start_at_first_is_tried_until_it_can(project, free_port):
    words = ("--process", "helper=python helper.py helper 3 2")
    with serving(*words, cwd=project, port=free_port) as site:
        site.wait_for("process helper: it ended with exit code 3; it starts again in 1 s")
        site.wait_for("process helper: it ended with exit code 3; it starts again in 2 s")
        until((project / "helper-runs").exists)
        assert site.stop() == 0


def test_one_that_ends_well_is_not_started_again(project, free_port):
    words = ("--process", "helper=python helper.py helper 0")
    with serving(*words, cwd=project, port=free_port) as site:
        site.wait_for("process helper has finished")
        assert site.stop() == 0
        assert (project / "helper-log").read_text() == "started\n"


def test_a_script_that_no_program_can_read_is_told_and_the_site_goes_on(project, free_port):
    script = project / "queue.sh"
    script.write_text("#!/nowhere/at/all\n")
    script.chmod(0o755)
    with serving("--process", "queue=./queue.sh", cwd=project, port=free_port) as site:
        site.wait_for("queue .*queue.sh: No such file or directory")
        site.wait_for("process queue: it ended with exit code 126")
        assert site.get("/").text == "hello\n"
        assert site.stop() == 0


def test_it_outlives_the_requests_that_may_need_it(project, free_port):
    with serving("--process", HELPER, cwd=project, port=free_port) as site:
        until((project / "helper-runs").exists)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(site.get("/slow").text))
        asking.start()
        until((project / "slow").exists)
        site.process.send_signal(signal.SIGTERM)
        site.wait_for("Nginx finishes what it has")
        (project / "stopping").touch()
        asking.join()
        assert site.wait() == 0
        assert answers == ["there\n"]


def test_they_leave_one_after_the_other_the_last_one_first(project, free_port):
    words = ("--process", HELPER, "--process", "second=python helper.py second")
    with serving(*words, cwd=project, port=free_port) as site:
        until(lambda: (project / "helper-runs").exists() and (project / "second-runs").exists())
        assert site.stop() == 0
        lines = [line for line in site.log.splitlines() if "goodbye" in line]
        assert [line.split()[1] for line in lines] == ["second", "helper"]


def test_one_that_does_not_leave_is_killed_and_named(project, free_port):
    stubborn = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    )
    (project / "outrider.toml").write_text(
        f'drain_timeout = 3\n[processes]\nstubborn = ["python", "-uc", "{stubborn}"]\n'
    )
    with serving(cwd=project, port=free_port) as site:
        site.wait_for("stubborn +deaf")
        assert site.stop() == 12
        assert "error: process stubborn had to be killed" in site.output
        assert_nothing_is_left(site)


def test_it_dies_with_a_supervisor_that_is_killed(project, free_port):
    with serving("--process", HELPER, cwd=project, port=free_port) as site:
        until((project / "helper-runs").exists)
        [helper] = helpers(site)
        site.process.kill()
        until(lambda: not helper.is_running())


def test_a_site_that_does_not_boot_takes_it_along(project, free_port):
    (project / "app.py").write_text(
        "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
        "if 'OUTRIDER_NOTIFY_FD' in os.environ: raise OSError('not here')\n"
    )
    with start("--process", HELPER, cwd=project, port=free_port) as site:
        assert site.wait() == 10
        assert_nothing_is_left(site)
        log = project / "helper-log"
        # It may have been asked to leave before it was there.
        assert not log.exists() or log.read_text() in ("started\n", "started\nleft\n")


def test_it_is_not_started_where_the_environment_names_what_it_provides(project, free_port):
    (project / "outrider.toml").write_text(
        '[processes]\nhelper = { command = "python helper.py helper", unless = "HELPER_URL" }\n'
    )
    env = environment(HELPER_URL="somewhere")
    with serving(cwd=project, port=free_port, env=env) as site:
        assert site.stop() == 0
        assert not (project / "helper-log").exists()
    with serving(cwd=project, port=free_port, env=environment(HELPER_URL="")) as site:
        until((project / "helper-runs").exists)
        assert site.stop() == 0


def test_its_program_is_found_as_in_an_environment_that_is_active(project, free_port, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    # One beside the app's Python counts before it: the real `flask` is run, and this one is not.
    for name, text in (("queue-tool", "echo found in PATH"), ("flask", "echo the wrong one")):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    words = ("--process", "tool=queue-tool", "--process", "flask=flask --version")
    env = environment()
    env["PATH"] = f"{tools}:{env['PATH']}"
    with serving(*words, cwd=project, port=free_port, env=env) as site:
        site.wait_for("tool +found in PATH")
        site.wait_for("flask +Python 3")
        assert site.stop() == 0


def test_one_of_several_sites_has_it_alone(project, free_port):
    (project / "outrider.toml").write_text(
        '[[site]]\nname = "shop"\nprefix = "/shop"\n'
        '[site.processes]\nhelper = "python helper.py helper"\n'
        '[[site]]\nname = "blog"\nprefix = "/blog"\n'
    )
    with serving(cwd=project, port=free_port) as site:
        site.wait_for(r"helper shop: pid=\d+")
        assert len(helpers(site)) == 1
        helpers(site)[0].kill()
        site.wait_for("process helper of site 'shop': it was ended by SIGKILL")
        assert site.get("/blog/").text == "hello\n"
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_exported_files_do_not_have_it_and_say_so(project, tmp_path):
    done = outrider("export", "nginx", "-o", "out", "--process", HELPER, cwd=project)
    assert done.returncode == 0
    assert "process helper is not in these files" in done.stderr
    silent = outrider("export", "nginx", "-o", "out2", cwd=project)
    assert "process" not in silent.stderr


# -- the release step ------------------------------------------------------------------------------


def test_the_release_step_runs_before_the_app(project, free_port):
    step = "sh -c 'test ! -e imported && touch released && echo done for $GREETING'"
    (project / "app.py").write_text(
        "import os\nfrom pathlib import Path\nfrom flask import Flask\napp = Flask(__name__)\n"
        "if 'OUTRIDER_NOTIFY_FD' in os.environ:\n"
        "    assert Path('released').exists()\n"
        "    Path('imported').touch()\n"
    )
    env = environment(GREETING="everybody")
    with serving("--release", step, cwd=project, port=free_port, env=env) as site:
        site.wait_for(r"\d release +done for everybody")
        assert site.stop() == 0


def test_a_release_step_that_fails_is_shown_and_nothing_starts(project, free_port):
    words = ("--release", "python -c \"raise SystemExit('no such table')\"", "--process", HELPER)
    with start(*words, cwd=project, port=free_port) as site:
        assert site.wait() == 10
        assert "error: the release step failed, so that the app was not started" in site.output
        assert "release no such table" in site.log
        assert "Starting gunicorn" not in site.log
        assert_nothing_is_left(site)
