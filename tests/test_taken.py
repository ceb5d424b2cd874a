"""What a new Compose project has from the one that somebody wrote by hand."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.databases import MYSQL
from outrider.errors import OutriderError
from outrider.facts import Variables
from outrider.plan.container import plan_contained
from outrider.plan.image import decide_image
from outrider.plan.roles import decide_roles
from outrider.plan.services import plan_stack, told_variables
from outrider.plan.taken import note_locations, settings_from, take_over
from outrider.render import compose
from outrider.servers import SERVERS
from outrider.settings import Settings
from outrider.stack import Names
from outrider.values import Address
from tests.handwritten import starting
from tests.situations import UPLOADS, facts, settings
from tests.test_image import needing

WEB = "web: {build: .}"


def taken(services: str, known: set[str] | None = None, more: str = "", **told: Any):
    start = starting(f"services: {{{services}}}\n{more}", **told)
    return take_over(
        start,
        decide_roles(start),
        project="/srv/before",
        output="/srv/shop",
        known=frozenset(known or ()),
    )


def stack(found, *packages: str, known: frozenset[str] = frozenset(), **observed: Any):
    """Return the Compose project of a shop that starts from it."""
    here = facts(**observed)
    image = decide_image(here, needing("flask", *packages), SERVERS["gunicorn"])
    told = told_variables("shop", frozenset(packages), known, found)
    site = plan_contained(here, settings(), image, frozenset(told), found.names.app)
    return plan_stack(
        site,
        image,
        name="shop",
        published=Address(host="127.0.0.1", port=8000),
        packages=frozenset(packages),
        known=Variables(named=known),
        taken=found,
    )


def service(found, name):
    [one] = [one for one in found.services if one.name == name]
    return one


def warned(found, name):
    return [one.why for one in found.decisions if one.is_warning and one.name == name]


# -- names, ports, networks ------------------------------------------------------------------------


def test_services_and_their_network_keep_their_names():
    found = taken(
        "blog: {image: me/blog, networks: [webnet, store]}, "
        "db: {image: 'mongo:8', networks: [store]}, "
        "front: {image: nginx, networks: [webnet], ports: ['8080:80']}"
    )
    assert found.names == Names(app="blog", proxy="front", web="webnet", data="store")
    assert found.published == Address(host="0.0.0.0", port=8080)
    made = stack(found, "pymongo")
    assert [one.name for one in made.services] == ["db", "blog", "front"]
    assert service(made, "blog").networks == ("out", "webnet", "store")
    assert service(made, "blog").after == (("db", "service_healthy"),)
    assert service(made, "front").after == (("blog", "service_healthy"),)
    assert made.site.paths.remote == "blog:8000"


def test_without_a_proxy_the_new_one_gets_the_port_of_the_app():
    found = taken("web: {build: ., ports: ['127.0.0.1:5000:8000']}")
    assert found.published == Address(host="127.0.0.1", port=5000)
    assert found.names == Names(app="web")


def test_a_service_that_is_called_proxy_and_is_the_app_stays_the_app():
    assert taken("proxy: {build: .}").names == Names(app="proxy", proxy="nginx")


def test_a_port_for_tls_is_not_published_and_said():
    found = taken(f"{WEB}, front: {{image: nginx, ports: ['443:443', '80:80']}}")
    assert found.published == Address(host="0.0.0.0", port=80)
    assert warned(found, "not published") == ["any more: TLS is for a proxy in front"]


# -- databases -------------------------------------------------------------------------------------


def test_a_folder_with_data_is_taken_over_with_its_owner():
    found = taken(
        f"{WEB}, mongo: {{image: 'mongo:8', volumes: ['./data:/data/db']}}",
        paths=(("./data", "1000:1000"),),
    )
    database = service(stack(found), "mongo")
    [data, configuration] = database.volumes
    assert (data.name, data.directory, data.is_folder) == ("../before/data", "/data/db", True)
    assert not configuration.is_folder
    assert database.user == "1000:1000"
    assert "docker compose exec mongo sh -c" in warned(found, "password")[0]


@pytest.mark.parametrize("owner", ["missing", "0:0"])
def test_a_folder_that_the_database_could_not_write_is_told_with_the_command(owner):
    found = taken(
        f"{WEB}, db: {{image: 'postgres:17-alpine', volumes: ['/data:/var/lib/postgresql/data']}}",
        paths=(("/data", owner),),
    )
    assert "chown 70:70 /data" in warned(found, "data")[0]


def test_a_named_volume_is_found_again_under_another_project():
    found = taken(f"{WEB}, db: {{image: 'postgres:17', volumes: ['pg:/var/lib/postgresql/data']}}")
    assert found.project == "shop"
    assert stack(found).volumes == {"pg": ""}
    found = taken(
        f"{WEB}, db: {{image: 'postgres:17', volumes: ['pg:/var/lib/postgresql/data']}}",
        project="blog",
    )
    assert stack(found).volumes == {"pg": "blog_pg"}
    found = taken(
        f"{WEB}, db: {{image: 'postgres:17', volumes: ['pg:/var/lib/postgresql/data']}}",
        more="volumes: {pg: {external: true}}",
    )
    assert stack(found).volumes == {"pg": "pg"}


def test_user_name_and_password_of_the_data_stay():
    found = taken(
        f"{WEB}, db: {{image: 'postgres:17', environment: "
        "{POSTGRES_USER: blog, POSTGRES_PASSWORD: old, POSTGRES_DB: posts}}"
    )
    assert dict(found.secrets) == {"POSTGRES_PASSWORD": "old"}
    made = stack(found, "psycopg", known=frozenset({"DATABASE_URL"}))
    assert dict(service(made, "web").environment)["DATABASE_URL"] == (
        "postgresql://blog:${POSTGRES_PASSWORD:?see .env}@db:5432/posts"
    )
    assert ("POSTGRES_USER", "blog") in service(made, "db").environment
    assert "app" not in service(made, "db").health, "each check would be an error in its log"
    assert not warned(found, "database name")


def test_a_password_that_has_a_variable_already_keeps_it():
    found = taken(
        f"{WEB}, db: {{image: 'postgres:17', environment: ['POSTGRES_PASSWORD=${{PG_PASS}}']}}"
    )
    assert found.secrets == ()
    made = stack(found, "psycopg")
    assert "PG_PASS" in made.secrets
    assert "POSTGRES_PASSWORD" not in made.secrets


def test_a_database_keeps_its_name_from_the_url_that_the_app_was_told():
    found = taken(
        "web: {build: ., environment: {MONGO_URL: 'mongodb://mongo:27017/posts'}}, "
        "mongo: {image: 'mongo:8'}"
    )
    made = stack(found, "pymongo")
    assert dict(service(made, "web").environment)["MONGO_URL"] == (
        "mongodb://app:${MONGO_PASSWORD:?see .env}@mongo:27017/posts?authSource=admin"
    )


def test_a_version_out_of_support_is_kept_with_its_own_words_and_a_way_on():
    found = taken(f"{WEB}, mongo: {{image: 'mongo:3.2', volumes: ['data:/data/db']}}")
    database = service(stack(found), "mongo")
    assert database.image == "mongo:3.2"
    assert database.health[1] == "mongo", "it has no mongosh"
    assert database.command == ()
    assert "mongodump --archive > mongo.dump" in warned(found, "version")[0]
    newer = service(stack(taken(f"{WEB}, mongo: {{image: 'mongo:8.0'}}")), "mongo")
    assert newer.health[1] == "mongosh"


def test_an_image_without_a_number_is_told():
    assert "write its number" in warned(taken(f"{WEB}, db: {{image: mongo}}"), "version")[0]
    assert not warned(taken(f"{WEB}, db: {{image: 'mongo:8'}}"), "version")


def test_mysql_stays_mysql_although_the_driver_would_do_for_mariadb():
    found = taken(f"{WEB}, db: {{image: 'mysql:8.4', volumes: ['data:/var/lib/mysql']}}")
    made = stack(found, "pymysql", known=frozenset({"MYSQL_HOST"}))
    assert [one.name for one in made.services] == ["db", "web", "proxy"]
    assert service(made, "db").health == ("CMD", *MYSQL.health)
    assert dict(service(made, "web").environment)["MYSQL_HOST"] == "db"


def test_a_database_without_a_volume_is_told_before_its_data_goes():
    assert "copy it out first" in warned(taken(f"{WEB}, db: {{image: 'mongo:8'}}"), "data")[0]


# -- the app ---------------------------------------------------------------------------------------


def test_static_files_and_code_are_dropped_and_data_is_kept():
    found = taken(
        "web: {build: ., volumes: ['.:/app', 'css:/app/static', 'files:/app/media', "
        "'db:/app/data', './settings.py:/app/settings.py']}, "
        "front: {image: nginx, volumes: ['css:/html/static', 'files:/html/media']}",
        docker="FROM python\nWORKDIR /app\n",
    )
    assert [(one.name, one.directory) for one in found.data] == [
        ("files", "/srv/app/media"),
        ("db", "/srv/app/data"),
    ]
    assert "--volume shop_files:/data" in warned(found, "kept")[0]
    assert len(warned(found, "not taken over")) == 1
    made = stack(found, app={"media": (UPLOADS,)})
    assert [one.name for one in service(made, "web").volumes] == ["files", "db"]
    [media] = service(made, "front").volumes
    assert (media.name, media.is_read_only) == ("files", True)


def test_a_key_in_the_compose_file_goes_into_env_and_what_a_file_tells_is_not_told_again():
    found = taken(
        "web: {build: ., environment: {SECRET_KEY: o$$ld, MODE: live, WEB_CONCURRENCY: 9}}",
        known={"SECRET_KEY"},
    )
    assert dict(found.secrets) == {"SECRET_KEY": "o$ld"}
    made = stack(found, known=frozenset({"SECRET_KEY"}))
    environment = dict(service(made, "web").environment)
    assert environment["SECRET_KEY"] == "${SECRET_KEY:?see .env}"
    assert environment["MODE"] == "live"
    assert environment["WEB_CONCURRENCY"] != "9"


def test_environment_files_stay_where_they_are():
    found = taken(
        "web: {build: ., env_file: [prod.env, .env]}",
        paths=(("prod.env", "0:0"), (".env", "missing")),
    )
    assert found.env_files == ("../before/prod.env", ".env")
    assert stack(found).env_files == ("../before/prod.env", ".env")


@pytest.mark.parametrize("build", ["../other", "https://git.test/blog.git"])
def test_an_app_that_is_built_from_elsewhere_is_refused(build):
    with pytest.raises(OutriderError) as refused:
        taken(f"web: {{build: '{build}'}}")
    assert refused.value.id == "built-elsewhere"


def test_other_services_and_networks_are_named_with_what_to_do():
    found = taken(
        "web: {build: .}, queue: {build: ., command: celery -A shop worker}, mail: {image: mx}",
        more="networks: {edge: {external: true}}",
    )
    first, second, third = warned(found, "not taken over")
    assert "queue = 'celery -A shop worker'" in first
    assert "-f compose.yaml -f FILE" in second
    assert "made elsewhere" in third


# -- settings --------------------------------------------------------------------------------------


def test_what_the_files_say_of_the_app_counts_where_nothing_else_says_it():
    start = starting(
        docker="FROM python\nCMD gunicorn --timeout 90 manage:app\n",
        nginx="server { server_name shop.test _ ~^x$; client_max_body_size 20m; }",
    )
    found = settings_from(start, decide_roles(start), settings(target="shop:app"))
    assert found.value("target") == "shop:app"
    assert found.value("timeout") == 90
    assert found.value("body_limit") == 20 * 2**20
    assert found.value("server_names") == ("shop.test",)
    given = found.get("timeout")
    assert given is not None
    assert given.origin == "Dockerfile:2"


def test_nothing_is_read_into_files_that_say_nothing():
    start = starting(nginx="server { server_name localhost; client_max_body_size 0; }")
    assert settings_from(start, decide_roles(start), Settings()) == Settings({})


def test_a_folder_that_only_nginx_knew_is_told_of():
    start = starting(
        nginx="location /static { alias /s; } location /media { alias /m; } "
        "location ~ x { root /; }"
    )
    site = stack(taken(WEB)).site
    [note] = note_locations(start, site)
    assert note.value == "location /media"
    assert "--media /media/=FOLDER" in note.why


# -- for development -------------------------------------------------------------------------------


def override(server: str = "gunicorn", **observed: Any) -> str:
    here = facts(interpreter={"servers": {"waitress": "3.0.2"}}, **observed)
    image = decide_image(here, needing("flask"), SERVERS[server])
    site = plan_contained(here, settings(server=server), image)
    made = plan_stack(
        site,
        image,
        name="shop",
        published=Address(host="127.0.0.1", port=8000),
        packages=frozenset(),
        known=Variables(),
    )
    return compose.override(made, image).content


def test_for_development_the_code_is_mounted_and_read_anew():
    text = override(app={"media": (UPLOADS,)})
    assert '"--reload", "shop:app"]' in text
    assert "- .:/srv/app:ro" in text
    assert 'source: "./static"' in text
    assert "mkdir -p ./media" in text
    assert "docker compose -f compose.yaml up -d --build" in text


def test_a_server_that_does_not_look_for_changes_is_told_how():
    text = override("waitress")
    assert "--reload" not in text
    assert "docker compose restart app" in text


def test_values_for_env_are_in_quotes_from_which_compose_takes_nothing():
    assert compose.env_lines({"A": 'a"$b'}) == "A='a\"$b'\n"
    assert compose.env_lines({"A": 'it\'s "$b"'}) == 'A="it\'s \\"\\$b\\""\n'
