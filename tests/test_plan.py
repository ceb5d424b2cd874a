"""What is decided in each situation, where it came from and why."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from outrider.errors import Exit, OutriderError
from outrider.facts import Account, Collect, Directory, MediaFolder, StaticFolder
from outrider.plan import choose_account, plan
from outrider.plan.collect import kept
from outrider.settings import Given, Settings, TomlSource, resolve
from outrider.site import ExtraProcess, Fleet
from outrider.values import NamedCommand
from tests.situations import DEBIAN, STATIC, UPLOADS, WHEEL, facts, settings, site

WWW = Account(uid=33, gid=33, name="www-data")
BLOCKED = Account(uid=33, gid=33, name="www-data", blocked_by="/root has mode 0700")
ROOT = {"uid": 0, "account": Account(uid=0, gid=0, name="root")}


def decision(of, name):
    (found,) = [d for d in of.decisions if d.name == name]
    return found


def refused(flags=None, **different):
    with pytest.raises(OutriderError) as caught:
        site(flags, **different)
    return caught.value


# -- workers and memory ----------------------------------------------------------------------------


def test_workers_follow_the_cpus():
    assert site(host={"cpus": 2}).workers.count == 5
    assert site(host={"cpus": 1}).workers.count == 3


def test_workers_stop_at_twelve():
    many = site(host={"cpus": 64})
    assert many.workers.count == 12
    assert "12 at most" in decision(many, "workers").why


def test_workers_fit_into_the_memory():
    small = site(
        host={"memory_bytes": 512 * 2**20, "memory_source": "memory.max"},
        app={"rss_bytes": 128 * 2**20},
    )
    assert small.workers.count == 3
    assert decision(small, "workers").why == "128 MiB each fit into 75% of 512 MiB (memory.max)"


def test_there_is_always_one_worker():
    assert site(host={"memory_bytes": 2**20}, app={"rss_bytes": 2**30}).workers.count == 1


def test_what_the_user_says_is_not_argued_with():
    asked = site({"workers": "40"}, host={"memory_bytes": 2**20}, app={"rss_bytes": 2**30})
    assert asked.workers.count == 40
    assert decision(asked, "workers").origin == "--workers"


def test_the_worker_is_the_one_made_for_standing_behind_nginx():
    assert site().worker_class == site({"threads": "4"}).worker_class == "outrider_worker.Worker"
    assert site({"worker_class": "sync"}).worker_class == "sync"
    assert site({"worker_class": "sync", "threads": "4"}).worker_class == "gthread"


def test_an_app_that_waits_for_others_has_threads_and_a_worker_for_each_cpu():
    waiting = site(app={"waits_for": "MongoDB (pymongo)"}, host={"cpus": 4})
    assert (waiting.workers.count, waiting.workers.threads) == (4, 4)
    assert "MongoDB (pymongo)" in decision(waiting, "threads").why
    alone = site({"threads": "1"}, app={"waits_for": "MongoDB (pymongo)"}, host={"cpus": 4})
    assert (alone.workers.count, alone.workers.threads) == (9, 1)
    assert site(host={"cpus": 4}).workers.threads == 1


def test_an_app_that_keeps_a_thread_for_each_websocket_has_gunicorns_threaded_worker():
    assert site(app={"wants_threads": 100}).worker_class == "gthread"


def test_a_worker_class_is_of_no_use_to_an_asgi_app():
    told = decision(site({"worker_class": "sync"}, app=ASGI), "worker_class")
    assert (told.value, told.is_warning) == ("not used", True)


def test_the_front_takes_half_of_the_cpus():
    assert [site(host={"cpus": n}).front.workers for n in (1, 2, 8)] == [1, 1, 4]


# -- limits ----------------------------------------------------------------------------------------


def test_the_body_limit_is_the_apps_own():
    limited = site(app={"max_content_length": 16 * 2**20})
    assert limited.limits.body_limit_bytes == 16 * 2**20
    assert decision(limited, "body_limit").why == "MAX_CONTENT_LENGTH"
    assert decision(limited, "body_limit").value == "16m"


def test_without_a_limit_of_the_app_there_is_still_one():
    assert site().limits.body_limit_bytes == 100 * 2**20


def test_a_larger_limit_than_the_apps_is_taken_and_warned_of():
    both = site({"body_limit": "2g"}, app={"max_content_length": 2**20})
    assert both.limits.body_limit_bytes == 2 * 2**30
    assert decision(both, "body_limit").value == "2g"
    assert decision(both, "MAX_CONTENT_LENGTH").is_warning


def test_nginx_waits_longer_than_gunicorn():
    assert site({"timeout": "90"}).limits.read_timeout_s == 95


def test_descriptors_suffice_for_the_clients_and_what_they_need():
    for limit in (256, 1024, 20000, 10**6):
        planned = site(host={"open_files": limit, "cpus": 8})
        front, backlog = planned.front, planned.limits.backlog
        assert front.connections <= limit
        # A connection and a file each, and one more for what waits for the app.
        needed = 2 * front.clients + min(front.clients, backlog)
        assert needed <= front.workers * limit
        # Nginx keeps a sixteenth free.
        places = front.workers * front.connections * 15 // 16
        assert places >= front.clients + min(front.clients, backlog)


def test_a_small_machine_holds_fewer_clients():
    small = site(host={"memory_bytes": 512 * 2**20})
    assert small.front.clients == 1638
    assert "a sixteenth of 512 MiB" in decision(small, "connections").why


def test_few_descriptors_mean_few_clients():
    few = site(host={"open_files": 1024})
    assert few.front.clients == 277
    assert "1024 descriptors" in decision(few, "connections").why


def test_more_clients_than_one_process_can_hold_get_more_nginx_workers():
    many = site({"connections": "30000"})
    assert (many.front.clients, many.front.workers) == (30000, 4)
    assert decision(many, "connections").origin == "--connections"


def test_more_clients_than_descriptors_are_refused_with_what_is_possible():
    with pytest.raises(OutriderError) as caught:
        site({"connections": "500000"})
    assert caught.value.id == "too-many-connections"
    told = "\n".join([*caught.value.found, *caught.value.fix])
    assert "--connections is 500000" in told
    possible = re.search(r"--connections (\d+)", told)
    enough = re.search(r"ulimit -n (\d+)", told)
    assert possible
    assert enough
    assert site({"connections": possible[1]}).front.workers == 4
    assert site({"connections": "500000"}, host={"open_files": int(enough[1])}).front.workers == 4


def test_clients_that_would_take_most_of_the_memory_are_warned_of():
    told = [
        one
        for one in site({"connections": "30000"}, host={"memory_bytes": 2**30}).decisions
        if one.name == "connections"
    ]
    assert [one.is_warning for one in told] == [False, True]
    assert "30000 slow clients" in told[1].why


# -- folders ---------------------------------------------------------------------------------------


def test_the_apps_static_folder_is_served():
    (mount,) = site().mounts
    assert (mount.url, mount.directory, mount.kind) == ("/static/", "/srv/shop/static", "static")


def test_a_default_folder_that_is_not_there_is_no_mistake():
    gone = {"/srv/shop/static": Directory(path="/srv/shop/static", exists=False)}
    empty = site(directories=gone)
    assert empty.mounts == ()
    assert not any(d.is_warning for d in empty.decisions)


def test_a_folder_that_the_app_names_and_lacks_is_warned_of():
    dist = StaticFolder(url="/assets/", directory="/srv/shop/dist", source="Flask app 'shop'")
    gone = {"/srv/shop/dist": Directory(path="/srv/shop/dist", exists=False)}
    unbuilt = site(app={"static": (dist,)}, directories=gone)
    assert [d.why for d in unbuilt.decisions if d.is_warning] == [
        "left to the app: /srv/shop/dist does not exist"
    ]


def test_a_folder_that_the_user_names_must_be_there():
    gone = {"/srv/shop/dist": Directory(path="/srv/shop/dist", exists=False)}
    error = refused({"static": ("/assets/=dist",)}, directories=gone)
    assert (error.id, error.exit_code) == ("folder-missing", Exit.FILES)
    assert error.fix[0] == "mkdir -p /srv/shop/dist"


def test_a_file_is_no_folder():
    file = {"/srv/shop/dist": Directory(path="/srv/shop/dist", is_directory=False)}
    assert (
        refused({"static": ("/assets/=dist",)}, directories=file).what
        == "the folder for /assets/ is a file"
    )


def test_the_users_folder_replaces_the_apps_at_the_same_url():
    here = {"/srv/shop/dist": Directory(path="/srv/shop/dist")}
    (mount,) = site({"static": ("/static/=dist",)}, directories=here).mounts
    assert mount.directory == "/srv/shop/dist"


def test_two_folders_for_one_url_are_refused():
    here = {path: Directory(path=path) for path in ("/srv/shop/a", "/srv/shop/b")}
    error = refused({"static": ("/x/=a",), "media": ("/x/=b",)}, directories=here)
    assert error.id == "same-url"


def test_a_folder_that_holds_the_app_is_refused():
    root = StaticFolder(url="/files/", directory="/srv/shop", source="Flask app 'shop'")
    found = {
        "/srv/shop": Directory(path="/srv/shop", contains_app=True, exposes=(".env", "shop.py"))
    }
    error = refused(app={"static": (root,)}, directories=found)
    assert error.id == "folder-exposes-source"
    assert error.found[0] == "it holds: .env, shop.py"


def test_a_folder_that_nginx_cannot_read_names_who_forbids_it():
    found = {
        "/srv/shop/static": Directory(
            path="/srv/shop/static", blocked_by="/srv has mode 0700 and belongs to bob"
        )
    }
    error = refused(directories=found)
    assert error.id == "folder-unreadable"
    assert "chmod o+x /srv" in error.fix[0]


def test_a_dollar_in_the_apps_own_folder_is_refused():
    odd = StaticFolder(url="/static/", directory="/srv/a$b", source="Flask app 'shop'")
    error = refused(app={"static": (odd,)}, directories={"/srv/a$b": Directory(path="/srv/a$b")})
    assert error.id == "unsafe-path"


def test_a_hook_that_nginx_does_not_ask_is_mentioned():
    hooked = replace(STATIC, hook="app.before_request runs check_login")
    why = decision(site(app={"static": (hooked,)}), "static").why
    assert why.endswith("to everyone; app.before_request runs check_login for the rest")
    assert "for the rest" not in decision(site(), "static").why


def test_static_files_without_a_url_prefix_are_looked_for_first():
    root = StaticFolder(url="/", directory="/srv/shop/static", source="Flask app 'shop'")
    assert [m.url for m in site(app={"static": (root,)}).mounts] == ["/"]


def test_below_a_prefix_they_are_left_to_the_app():
    root = StaticFolder(url="/", directory="/srv/shop/static", source="Flask app 'shop'")
    left = site({"prefix": "/shop"}, app={"static": (root,)})
    assert left.mounts == ()
    assert "left to the app" in decision(left, "static").why


def test_open_uploads_are_served_as_media():
    mounts = site(app={"media": (UPLOADS,)}).mounts
    assert [(m.url, m.kind) for m in mounts] == [("/media/", "media"), ("/static/", "static")]


def test_guarded_uploads_are_left_to_the_app_and_said_so():
    guarded = MediaFolder(
        url="/media/",
        directory="/srv/shop/media",
        source="UPLOAD_FOLDER",
        guard="decorated with login_required",
    )
    left = site(app={"media": (guarded,)})
    assert [m.url for m in left.mounts] == ["/static/"]
    assert "login_required" in decision(left, "media").why


def test_uploads_that_no_route_serves_are_left_alone():
    unserved = MediaFolder(directory="/srv/shop/media", source="UPLOAD_FOLDER")
    assert [m.url for m in site(app={"media": (unserved,)}).mounts] == ["/static/"]


def test_the_prefix_stands_before_every_url():
    mounted = site(app={"application_root": "/shop"})
    assert mounted.prefix == "/shop"
    assert mounted.mounts[0].url == "/shop/static/"
    assert mounted.url.endswith("/shop/")


# -- names, addresses, users -----------------------------------------------------------------------


def test_without_a_name_of_the_app_any_host_is_answered():
    assert site().server_names == ()


def test_the_apps_own_name_counts_and_this_machine_still_reaches_it():
    assert site(app={"trusted_hosts": ("Example.com:8000",)}).server_names == (
        "example.com", "localhost", "127.0.0.1", "::1",
    )  # fmt: skip
    beyond = site({"bind": "0.0.0.0:80"}, app={"trusted_hosts": ("example.com",)})
    assert beyond.server_names == ("example.com",)


def test_trusted_hosts_with_a_dot_mean_the_domain_and_all_below():
    names = site({"bind": ":80"}, app={"trusted_hosts": (".example.com",)}).server_names
    assert names == ("example.com", "*.example.com")


def test_a_star_means_any_host():
    assert (
        site({"server_names": ("*",)}, app={"trusted_hosts": ("example.com",)}).server_names == ()
    )


def test_debug_is_warned_of_here_and_refused_beyond():
    assert decision(site(app={"is_debug": True}), "debug").is_warning
    error = refused({"bind": "0.0.0.0:8000"}, app={"is_debug": True})
    assert error.id == "debug-mode"
    assert not [d for d in site({"bind": "0.0.0.0:8000"}).decisions if d.name == "debug"]


def test_root_steps_down_to_the_first_who_can():
    stepped = site(host={**ROOT, "candidates": (BLOCKED, WWW)})
    assert (stepped.user.uid, stepped.user.is_changed) == (33, True)


def test_root_stays_root_only_for_this_machine():
    stays = site(host={**ROOT, "candidates": (BLOCKED,)})
    assert (stays.user.uid, stays.user.is_changed) == (0, False)
    assert decision(stays, "user").is_warning
    error = refused({"bind": ":80"}, host={**ROOT, "candidates": (BLOCKED,)})
    assert error.id == "user-is-blocked"


def test_root_may_insist_on_being_root():
    root = Account(uid=0, gid=0, name="root")
    insisted = site({"user": "root", "bind": ":80"}, host={**ROOT, "candidates": (root,)})
    assert insisted.user.uid == 0


def test_an_ordinary_user_stays_who_they_are():
    assert site().user.name == "ann"
    assert not site().user.is_changed


def test_an_ordinary_user_cannot_become_another():
    with pytest.raises(OutriderError) as caught:
        choose_account(facts().host, settings(user="www-data"), WWW)
    assert caught.value.id == "cannot-change-user"


def test_a_user_that_does_not_exist_is_refused():
    with pytest.raises(OutriderError) as caught:
        choose_account(facts().host, settings(user="nobodyhere"), None)
    assert caught.value.id == "unknown-user"


# -- what cannot run -------------------------------------------------------------------------------


def test_an_old_nginx_is_refused():
    old = replace(facts().nginx, version=(1, 10, 3))
    assert refused(nginx=old).id == "nginx-too-old"


@pytest.mark.parametrize("version", [None, "22.0.0", "19.9.0", "unknown"])
def test_a_missing_or_unsafe_gunicorn_is_refused(version):
    error = refused(interpreter={"gunicorn": version})
    assert error.id == "no-server"
    assert error.fix[0] == "/srv/shop/.venv/bin/python -m pip install 'gunicorn>=23.0.0'"


@pytest.mark.parametrize("version", ["23.0.0", "27.0.1", "100.0"])
def test_a_safe_gunicorn_is_taken(version):
    assert site(interpreter={"gunicorn": version}).process.target == "shop:app"


def test_the_nginx_of_the_package_index_is_warned_of_beyond_this_machine():
    assert decision(site({"bind": ":8000"}, nginx=WHEEL), "nginx").is_warning
    assert not decision(site(nginx=WHEEL), "nginx").is_warning
    assert not decision(site({"bind": ":8000"}, nginx=DEBIAN), "nginx").is_warning


ASGI = {"interface": "asgi", "framework": "FastAPI 0.120"}


def test_an_asgi_app_has_event_loops_and_no_threads():
    found = site({"threads": "4"}, app=ASGI)
    assert (found.worker_class, found.workers.threads) == ("asgi", 1)
    assert [d.value for d in found.decisions if d.name == "threads"] == ["not used"]
    assert site(app=ASGI).workers.count == 2
    assert site(app=ASGI, host={"cpus": 8}).workers.count == 8


def test_an_asgi_app_needs_a_newer_gunicorn_than_a_wsgi_app():
    for version in ("23.0.0", "26.2.0", "26.9.9"):
        error = refused(app=ASGI, interpreter={"gunicorn": version})
        assert error.id == "gunicorn-too-old-for-asgi"
        assert "pip install --upgrade 'gunicorn>=27.0.0'" in error.fix[0]
    old = {"gunicorn": "23.0.0", "version": (3, 8, 18)}
    assert "a Python of 3.10" in refused(app=ASGI, interpreter=old).fix[0]
    assert site(app=ASGI, interpreter={"gunicorn": "27.0.0"}).worker_class == "asgi"
    assert site(interpreter={"gunicorn": "23.0.0"}).workers.kind == "outrider"


def test_nginx_may_send_what_the_app_hands_out_of_its_folders():
    roots = {root.directory for root in site().file_roots}
    assert roots == {"/srv/shop"}  # the static and the media folder lie in it
    data = {"/data": Directory(path="/data")}
    asked = site({"file_roots": ("/data",)}, directories=data)
    assert [root.directory for root in asked.file_roots] == ["/data"]


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ({"exists": False}, "the folder to send files from does not exist"),
        ({"is_directory": False}, "the folder to send files from is a file"),
        ({"is_whole_machine": True}, "the folder to send files from is the whole machine"),
    ],
)
def test_a_folder_that_nothing_can_or_may_be_sent_from_is_refused(found, what):
    data = {"/data": Directory(path="/data", **found)}
    error = refused({"file_roots": ("/data",)}, directories=data)
    assert (error.what, error.exit_code) == (what, Exit.FILES)
    assert error.found == ("/data, named by --file-root",)


def test_a_project_that_is_the_whole_machine_is_nothing_to_send_from():
    roots = {root.directory for root in site(project={"directory": "/"}).file_roots}
    assert roots == {mount.directory for mount in site().mounts}


def test_a_socket_path_that_is_too_long_is_refused():
    assert site({"run_dir": "/" + "x" * 93}).paths.control.endswith("/control.sock")
    error = refused({"run_dir": "/" + "x" * 94})
    assert error.what == "the socket's path is 108 bytes long; the system allows 107"


def test_bytes_are_counted_not_letters():
    assert refused({"run_dir": "/" + "ü" * 60}).id == "socket-path-too-long"


# -- the reasons -----------------------------------------------------------------------------------


def test_every_decision_says_where_it_came_from_and_defaults_say_why():
    for different in ({}, {"app": {"media": (UPLOADS,), "max_content_length": 5}}):
        for made in site(**different).decisions:
            assert made.origin, made
            assert made.why or made.origin.startswith("--"), made


def test_files_of_the_project_that_are_not_read_are_mentioned():
    noted = site(
        project={"gunicorn_conf": "/srv/shop/gunicorn.conf.py", "gunicorn_cmd_args": "-w 9"}
    )
    assert decision(noted, "gunicorn.conf.py").is_warning
    assert decision(noted, "GUNICORN_CMD_ARGS").is_warning


def test_settings_of_a_file_carry_its_name():
    source = TomlSource(name="outrider.toml", directory="/srv/shop", table={"workers": 3})
    made = plan(facts(), resolve({}, {}, source, "/srv/shop"))
    assert decision(made, "workers").origin == "outrider.toml: workers"


def test_a_single_page_application_that_is_not_built_is_refused():
    place = "/srv/shop/built"
    for found, words in (
        (Directory(path=place), "has no index.html"),
        (Directory(path=place, exists=False), "does not exist"),
    ):
        error = refused({"spa": place}, directories={place: found})
        assert error.id == "spa-not-built"
        assert words in error.found[0]
    built = {place: Directory(path=place, has_index=True)}
    assert site({"spa": place}, directories=built).spa is not None


# -- what frameworks say ---------------------------------------------------------------------------

MISSING = Directory(path="/srv/shop/public", exists=False)
EMPTY_ROOT = Collect(settings_module="mysite.settings", static_root="/srv/shop/public")
NO_ROOT = Collect(settings_module="mysite.settings")
FULL_ROOT = replace(EMPTY_ROOT, is_empty=False)


def django(collect=FULL_ROOT, flags=None, directories=None, **app):
    """Return the plan of a Django project, or raise what refuses it."""
    static = StaticFolder(
        url="/static/", directory=collect.static_root or "", source="STATIC_ROOT", is_default=True
    )
    given = {
        "static": (static,),
        "collect": collect,
        "settings_module": "mysite.settings",
        "trusted_hosts": ("shop.example",),
        "hosts_source": "ALLOWED_HOSTS",
        **app,
    }
    known = {MISSING.path: replace(MISSING, exists=not collect.is_empty)}
    return site(flags, app=given, directories={**known, **(directories or {})})


def test_without_a_static_root_the_files_are_collected_beside_the_socket():
    found = django(NO_ROOT)

    assert found.collect is not None
    assert found.collect.directory == f"{found.paths.run}/static"
    assert found.collect.is_override
    assert [(m.url, m.directory) for m in found.mounts] == [("/static/", found.collect.directory)]
    assert "the project is not touched" in decision(found, "collectstatic").why


def test_a_static_root_that_is_not_there_yet_is_filled():
    found = django(EMPTY_ROOT)

    assert found.collect is not None
    assert (found.collect.directory, found.collect.is_override) == ("/srv/shop/public", False)
    assert [m.directory for m in found.mounts] == ["/srv/shop/public"]


def test_what_is_collected_already_is_left_as_it_is():
    found = django(FULL_ROOT)

    assert found.collect is None
    assert decision(found, "collectstatic").value == "not run"
    assert [m.directory for m in found.mounts] == ["/srv/shop/public"]


@pytest.mark.parametrize(
    ("when", "collect", "is_run"),
    [("always", FULL_ROOT, True), ("never", EMPTY_ROOT, False), ("never", NO_ROOT, False)],
)
def test_the_user_says_when_to_collect(when, collect, is_run):
    found = django(collect, {"collectstatic": when})

    assert (found.collect is not None) == is_run
    assert decision(found, "collectstatic").origin == "--collectstatic"


def test_without_a_static_root_and_without_collecting_the_url_is_left_out_and_said_so():
    found = django(NO_ROOT, {"collectstatic": "never"})

    assert found.mounts == ()
    assert decision(found, "static").is_warning


def test_files_that_a_service_stores_are_not_collected():
    stored = replace(EMPTY_ROOT, is_local=False)

    assert django(stored, static=()).collect is None


def test_what_is_written_out_is_not_collected_by_whoever_starts_it():
    unset, empty, full = (
        kept(Fleet(sites=(django(collect),))).first for collect in (NO_ROOT, EMPTY_ROOT, FULL_ROOT)
    )

    assert (unset.mounts, unset.collect, empty.collect) == ((), None, None)
    assert [root.directory for root in unset.file_roots] == ["/srv/shop"]
    assert "set it in mysite.settings" in decision(unset, "collectstatic").why
    assert [m.directory for m in empty.mounts] == ["/srv/shop/public"]
    assert "manage.py collectstatic" in decision(empty, "collectstatic").why
    assert decision(empty, "collectstatic").is_warning
    assert not decision(full, "collectstatic").is_warning


def test_a_static_folder_of_the_users_own_needs_no_collecting():
    dist = {"/srv/shop/dist": Directory(path="/srv/shop/dist")}
    found = django(NO_ROOT, {"static": ("/static/=dist",)}, dist)

    assert found.collect is None
    assert [m.directory for m in found.mounts] == ["/srv/shop/dist"]


def test_nothing_is_said_of_collectstatic_where_there_is_none():
    assert not [d for d in site().decisions if d.name == "collectstatic"]
    assert decision(site({"collectstatic": "always"}), "collectstatic").why == (
        "the app has no collectstatic"
    )


def test_a_static_root_that_nginx_may_not_read_is_refused():
    closed = replace(MISSING, exists=True, blocked_by="/srv/shop has mode 0700 and belongs to ann")
    with pytest.raises(OutriderError) as caught:
        django(FULL_ROOT, directories={MISSING.path: closed})
    assert caught.value.id == "folder-unreadable"
    assert caught.value.fix[0] == "allow it:  chmod o+x /srv/shop"


def test_a_url_of_the_host_stays_outside_the_prefix():
    inside = site({"prefix": "/shop"})
    outside = site({"prefix": "/shop"}, app={"static": (replace(STATIC, ignores_prefix=True),)})

    assert [m.url for m in inside.mounts] == ["/shop/static/"]
    assert [m.url for m in outside.mounts] == ["/static/"]


def test_a_folder_that_the_app_protects_is_left_to_it():
    guarded = site(app={"static": (replace(STATIC, guard="its permission is 'view'"),)})

    assert guarded.mounts == ()
    assert "if it is open to all: --static /static/=" in decision(guarded, "static").why


def test_a_folder_that_falls_back_says_so_to_nginx():
    assert site(app={"static": (replace(STATIC, falls_back=True),)}).mounts[0].falls_back
    assert not site().mounts[0].falls_back


def test_what_socket_io_needs():
    needs = {"single_process": "Socket.IO knows a client in one process only", "wants_threads": 100}
    found = site(app=needs)

    assert (found.workers.count, found.workers.threads) == (1, 100)
    assert decision(found, "workers").origin == "the app"
    assert not [d for d in found.decisions if d.name == "single process"]
    assert decision(site({"workers": "3"}, app=needs), "single process").is_warning


def test_green_threads_are_refused():
    error = refused(app={"async_mode": "gevent"})

    assert (error.id, error.exit_code) == ("socketio-mode", Exit.NOT_AN_APP)
    assert site(app={"async_mode": "threading"}).workers.count > 1


def test_no_allowed_hosts_and_no_debug_mode_is_warned_of():
    assert decision(django(trusted_hosts=()), "ALLOWED_HOSTS").is_warning
    assert not [d for d in django().decisions if d.name == "ALLOWED_HOSTS"]


def test_hosts_that_nginx_cannot_look_for_are_left_to_the_app():
    odd = site({"bind": ":80"}, app={"trusted_hosts": ("shop.example", "web_1")})

    assert odd.server_names == ()
    assert "the app itself looks" in decision(odd, "server_names").why


def test_a_star_of_the_app_means_any_host():
    assert site({"bind": ":80"}, app={"trusted_hosts": ("*",)}).server_names == ()


def test_a_name_that_is_said_twice_counts_once():
    assert site(app={"trusted_hosts": (".localhost", "[::1]")}).server_names == (
        *("localhost", "*.localhost", "::1"),
        "127.0.0.1",
    )


def test_why_a_limit_of_the_app_is_not_nginxs():
    note = "DATA_UPLOAD_MAX_MEMORY_SIZE does not count uploaded files"
    found = site(app={"limit_note": note})

    assert found.limits.body_limit_bytes == 100 * 2**20
    assert decision(found, "body_limit").why == note


@pytest.mark.parametrize(
    ("source", "app", "name"),
    [
        ("FORCE_SCRIPT_NAME", {"application_root": "/shop"}, "prefix"),
        ("ALLOWED_HOSTS", {"trusted_hosts": ("shop.example",)}, "server_names"),
        ("request_max_body_size", {"max_content_length": 10_000_000}, "body_limit"),
        ("settings.DEBUG is True", {"is_debug": True}, "debug"),
    ],
)
def test_the_setting_of_the_app_is_named(source, app, name):
    field = {"prefix": "prefix", "server_names": "hosts", "body_limit": "limit", "debug": "debug"}

    found = site(app={**app, f"{field[name]}_source": source})

    assert source in decision(found, name).why


def test_the_folder_of_uploads_need_not_be_there_before_the_first():
    uploads = MediaFolder(url="/media/", directory="/srv/up", source="MEDIA_ROOT")
    gone = {"/srv/up": Directory(path="/srv/up", exists=False)}

    served = site(app={"media": (uploads,)}, directories=gone).mounts
    assert [m.url for m in served] == ["/media/", "/static/"]


# -- extra processes -------------------------------------------------------------------------------

QUEUE = NamedCommand(name="queue", words=("celery", "-A", "shop", "worker"), unless="NO_QUEUE")
CELERY = {"celery": "/srv/shop/.venv/bin/celery"}


def with_processes(*commands, **facts_of_it):
    asked = Settings({"processes": Given(commands, "outrider.toml: processes")})
    return plan(facts(**facts_of_it), asked)


def test_an_extra_process_is_planned_with_the_path_of_its_program():
    planned = with_processes(QUEUE, programs=CELERY)
    argv = ("/srv/shop/.venv/bin/celery", "-A", "shop", "worker")
    assert planned.extras == (ExtraProcess(name="queue", argv=argv),)
    told = decision(planned, "process queue")
    assert (told.value, told.origin) == ("celery -A shop worker", "outrider.toml: processes")
    assert told.why == "NO_QUEUE is not set"


def test_without_the_setting_nothing_runs_beside_the_site():
    assert site().extras == ()
    assert not [d for d in site().decisions if d.name.startswith("process")]


def test_an_extra_process_is_not_started_when_the_environment_has_what_it_provides():
    planned = with_processes(QUEUE, programs=CELERY, variables=frozenset({"NO_QUEUE"}))
    assert planned.extras == ()
    told = decision(planned, "process queue")
    assert (told.value, told.why) == ("not started", "NO_QUEUE is set")


def test_a_program_that_is_needless_need_not_be_there():
    variables = frozenset({"NO_QUEUE"})
    assert with_processes(QUEUE, programs={"celery": None}, variables=variables).extras == ()


def test_an_extra_process_without_its_program_is_refused():
    with pytest.raises(OutriderError) as caught:
        with_processes(QUEUE, programs={"celery": None})
    assert caught.value.what == "process 'queue' cannot start: there is no program 'celery'"
    script = NamedCommand(name="queue", words=("./queue.sh",))
    with pytest.raises(OutriderError) as caught:
        with_processes(script, programs={"./queue.sh": None})
    assert "make the file executable" in caught.value.fix[0]


def test_two_extra_processes_of_one_name_are_refused():
    with pytest.raises(OutriderError) as caught:
        with_processes(QUEUE, QUEUE, programs=CELERY)
    assert caught.value.what == "two extra processes are called 'queue'"


# -- the figures -----------------------------------------------------------------------------------


def test_figures_are_told_nowhere_unless_an_address_is_named():
    assert site().metrics is None
    assert not [d for d in site().decisions if d.name == "metrics"]


def test_figures_are_told_where_only_this_machine_reaches_them():
    planned = site({"metrics": "127.0.0.1:9100"})
    assert str(planned.metrics) == "127.0.0.1:9100"
    assert not decision(planned, "metrics").is_warning


def test_who_else_reads_the_figures_is_a_warning():
    told = decision(site({"metrics": "0.0.0.0:9100"}), "metrics")
    assert told.is_warning
    assert "no password is asked" in told.why


def test_an_address_of_the_file_is_taken_back_by_a_flag():
    planned = site({"metrics": "none"})
    assert planned.metrics is None
    assert decision(planned, "metrics").value == "none"


def test_clients_are_counted_by_an_nginx_that_can():
    assert not site().front.counts_connections
    able = replace(DEBIAN, modules=frozenset({"http_stub_status"}))
    assert site(nginx=able).front.counts_connections
