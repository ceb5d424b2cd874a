"""A site as it will be inside containers, planned from facts of this machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from outrider.facts import Collect, Dependencies, Directory, MediaFolder, NodeBuild, StaticFolder
from outrider.plan.container import contained, plan_contained
from outrider.plan.image import STATIC_ROOT, decide_image
from outrider.servers import SERVERS
from tests.situations import STATIC, UPLOADS, facts, settings

FLASK = Dependencies(
    tool="pip",
    files=("requirements.txt",),
    names=frozenset({"flask", "gunicorn"}),
    is_locked=True,
)
BLUEPRINT = "/srv/shop/.venv/lib/python3.11/site-packages/admin/static"


def image_of(observed, **more):
    return decide_image(observed, FLASK, SERVERS["gunicorn"], **more)


def planned(observed, *, node=(), **flags):
    return plan_contained(observed, settings(**flags), image_of(observed, node=node))


def there(*paths, **different):
    return facts(
        app=different,
        directories={path: Directory(path=path) for path in paths},
        programs={"python": "/srv/shop/.venv/bin/python", "celery": "/srv/shop/.venv/bin/celery"},
    )


def mounts(site):
    return {mount.url: mount.directory for mount in site.mounts}


def test_where_everything_is():
    site = planned(there(STATIC.directory))
    assert site.process.python == "/opt/venv/bin/python"
    assert (site.process.directory, site.process.import_root) == ("/srv/app", "/srv/app")
    assert mounts(site) == {"/static/": "/srv/app/static"}
    assert (str(site.bind), site.paths.remote) == ("0.0.0.0:8080", "app:8000")
    assert site.paths.run == "/run/outrider"


def test_a_static_folder_of_an_installed_package():
    static = StaticFolder(url="/admin/", directory=BLUEPRINT, source="blueprint 'admin'")
    found = mounts(planned(there(BLUEPRINT, static=(static,))))
    assert found == {"/admin/": "/opt/venv/lib/python3.11/site-packages/admin/static"}


def test_what_only_the_owner_can_read_here_can_be_read_in_the_image():
    observed = there()
    blocked = Directory(path=STATIC.directory, blocked_by="/home/ann (mode 0700)")
    observed = replace(observed, directories={STATIC.directory: blocked})
    assert mounts(planned(observed)) == {"/static/": "/srv/app/static"}


def test_uploads_that_nobody_has_sent_yet_have_their_folder():
    observed = facts(
        app={"media": (UPLOADS,), "static": ()},
        directories={
            UPLOADS.directory: Directory(path=UPLOADS.directory, exists=False, is_directory=False)
        },
    )
    assert mounts(planned(observed)) == {"/media/": "/srv/app/media"}


def test_uploads_outside_the_project_stay_where_they_are():
    media = MediaFolder(url="/media/", directory="/var/uploads", source="MEDIA_ROOT")
    observed = there("/var/uploads", media=(media,), static=())
    assert mounts(planned(observed)) == {"/media/": "/var/uploads"}
    assert image_of(observed).volumes == ("/var/uploads",)


def test_a_folder_of_uploads_that_a_setting_names_is_a_volume_and_not_in_the_image():
    observed = there("/srv/shop/up", static=())
    image = image_of(observed, media=["/srv/shop/up"])
    assert image.volumes == ("/srv/app/up",)
    assert "up" in image.ignored
    site = plan_contained(observed, settings(media=("/media/=/srv/shop/up",)), image)
    assert mounts(site) == {"/media/": "/srv/app/up"}


def collecting(static_root):
    static = StaticFolder(url="/static/", directory=static_root or "", source="STATIC_ROOT")
    collect = Collect(settings_module="shop.settings", static_root=static_root)
    return facts(
        app={"static": (static,), "collect": collect, "settings_module": "shop.settings"},
        directories={static_root: Directory(path=static_root, exists=False, is_directory=False)}
        if static_root
        else {},
    )


@pytest.mark.parametrize(
    ("static_root", "inside"), [("/srv/shop/static", "/srv/app/static"), (None, STATIC_ROOT)]
)
def test_djangos_files_are_collected_in_the_build(static_root, inside):
    site = planned(collecting(static_root))
    assert site.collect.directory == inside
    assert mounts(site) == {"/static/": inside}
    assert [root.directory for root in site.file_roots] == [inside]


def test_a_folder_that_node_makes_is_served_before_it_is_there():
    ui = "/srv/shop/static/ui"
    static = StaticFolder(url="/ui/", directory=ui, source="mount")
    missing = Directory(path=ui, exists=False, is_directory=False)
    observed = facts(app={"static": (static,)}, directories={ui: missing})
    build = NodeBuild(directory="ui", output="static/ui", output_source="x", tool="npm", lock="y")
    assert mounts(planned(observed, node=(build,))) == {"/ui/": "/srv/app/static/ui"}


def test_nginx_sends_only_what_is_in_its_container():
    site = planned(there(STATIC.directory, UPLOADS.directory, media=(UPLOADS,)))
    roots = {root.directory for root in site.file_roots}
    assert roots == {"/srv/app/static", "/srv/app/media"}


def test_settings_of_this_machine_do_not_count():
    site = planned(
        there(STATIC.directory),
        user="www-data",
        run_dir="/run/shop",
        bind="127.0.0.1:9000",
        python="/usr/bin/python3",
    )
    assert (site.user.name, site.user.uid) == ("app", 10001)
    assert str(site.bind) == "0.0.0.0:8080"
    assert site.process.python == "/opt/venv/bin/python"


def test_a_program_of_the_environment_is_one_of_the_images():
    site = planned(there(STATIC.directory), processes=("w=celery worker", "p=python x.py"))
    assert [extra.argv[0] for extra in site.extras] == [
        "/opt/venv/bin/celery",
        "/opt/venv/bin/python",
    ]


def test_what_the_containers_tell_makes_a_process_needless():
    observed = there(STATIC.directory)
    image = image_of(observed)
    mine = settings(processes=("db=python db.py",))
    assert plan_contained(observed, mine, image).extras
    assert contained(observed, image, frozenset({"MONGO_URL"})).variables >= {"MONGO_URL"}


@pytest.mark.parametrize(("cpus", "workers"), [(1, 3), (2, 5), (4, 9)])
def test_workers_are_counted_from_the_limits_of_the_container(cpus, workers):
    observed = there(STATIC.directory)
    image = image_of(observed, cpus=cpus, memory_bytes=4 * 2**30)
    assert plan_contained(observed, settings(), image).workers.count == workers
