"""Which containers a site needs, and what the app is told of its databases."""

from __future__ import annotations

import pytest

from outrider.databases import DATABASES
from outrider.errors import OutriderError
from outrider.facts import Dependencies, MediaFolder, Variables
from outrider.plan.container import plan_contained
from outrider.plan.image import decide_image
from outrider.plan.services import (
    databases_of,
    plan_stack,
    project_name,
    secrets_of,
    told_variables,
    without_compose,
)
from outrider.servers import SERVERS
from outrider.values import Address
from tests.situations import facts, settings

POSTGRES = "postgresql://app:${POSTGRES_PASSWORD:?see .env}@postgres:5432/shop"
REDIS = "redis://default:${REDIS_PASSWORD:?see .env}@redis:6379/0"
MYSQL = "mysql://app:${MARIADB_PASSWORD:?see .env}@mariadb:3306/shop"
MONGO = "mongodb://app:${MONGO_PASSWORD:?see .env}@mongo:27017/shop?authSource=admin"


def told(*packages, named=()):
    return told_variables("shop", frozenset(packages), frozenset(named))


def stack(*packages, named=(), required=(), dotenv=None, release=(), app=None, **flags):
    needed = Dependencies(
        tool="pip",
        files=("requirements.txt",),
        names=frozenset({"flask", "gunicorn", *packages}),
        is_locked=True,
    )
    observed = facts(app=app, programs={"python": "/srv/shop/.venv/bin/python"})
    image = decide_image(observed, needed, SERVERS["gunicorn"])
    known = Variables(named=frozenset(named), required=frozenset(required), dotenv=dotenv)
    variables = frozenset(told_variables("shop", needed.names, known.named))
    return plan_stack(
        plan_contained(observed, settings(**flags), image, variables),
        image,
        name="shop",
        published=Address(host="127.0.0.1", port=8000),
        packages=needed.names,
        known=known,
        release=release,
    )


def service(found, name):
    [one] = [one for one in found.services if one.name == name]
    return one


def warnings(found):
    return {one.value: one.why for one in found.decisions if one.is_warning}


# -- which databases -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("psycopg", "postgres"),
        ("asyncpg", "postgres"),
        ("sqlalchemy[postgresql]", "postgres"),
        ("mysqlclient", "mariadb"),
        ("motor", "mongo"),
        ("celery[mongodb]", "mongo"),
        ("django-redis", "redis"),
        ("celery[redis]", "redis"),
    ],
)
def test_a_package_tells_its_database(package, expected):
    assert [one.name for one in databases_of(frozenset({"flask", package}))] == [expected]


@pytest.mark.parametrize("package", ["flask", "sqlalchemy", "redistribution", "celery[gevent]"])
def test_a_package_that_tells_none(package):
    assert databases_of(frozenset({package})) == ()


@pytest.mark.parametrize("database", DATABASES, ids=lambda one: one.name)
def test_a_row_of_the_table_fits_together(database):
    given = str(database.environment)
    assert "{password}" in given, "the password does not reach the database"
    assert database.folders
    assert database.health
    assert database.image.partition(":")[2].isdecimal(), "a version, or data is lost one day"
    assert {package for package, _ in database.drivers} <= database.packages


# -- what the app is told --------------------------------------------------------------------------


def test_a_site_whose_source_names_nothing_is_told_the_usual_url():
    assert told("psycopg") == {"DATABASE_URL": POSTGRES}
    assert told("redis") == {"DATABASE_URL": REDIS}
    assert told("psycopg", "redis") == {"DATABASE_URL": POSTGRES, "REDIS_URL": REDIS}


@pytest.mark.parametrize(
    ("package", "suffix"),
    [("psycopg2-binary", ""), ("psycopg", "+psycopg"), ("asyncpg", "+asyncpg")],
)
def test_sqlalchemy_is_told_which_driver(package, suffix):
    url = POSTGRES.replace("postgresql:", f"postgresql{suffix}:")
    assert told("flask-sqlalchemy", package) == {"DATABASE_URL": url}


@pytest.mark.parametrize(
    ("package", "named", "expected"),
    [
        ("psycopg", "SQLALCHEMY_DATABASE_URI", POSTGRES),
        ("psycopg", "POSTGRES_HOST", "postgres"),
        ("psycopg", "PGHOST", "postgres"),
        ("psycopg", "DB_HOST", "postgres"),
        ("psycopg", "DATABASE_HOST", "postgres"),
        ("psycopg", "DB_PORT", "5432"),
        ("psycopg", "DB_USERNAME", "app"),
        ("psycopg", "DB_PASS", "${POSTGRES_PASSWORD:?see .env}"),
        ("psycopg", "POSTGRES_DB", "shop"),
        ("psycopg", "PGDATABASE", "shop"),
        ("pymysql", "MYSQL_DATABASE", "shop"),
        ("pymysql", "DATABASE_URL", MYSQL),
        ("pymongo", "MONGODB_URI", MONGO),
        ("pymongo", "MONGO_URL", MONGO),
        ("pymongo", "MONGO_DB", "shop"),
        ("redis", "CELERY_BROKER_URL", REDIS),
        ("redis", "CELERY_RESULT_BACKEND", REDIS),
        ("redis", "CACHE_URL", REDIS),
        ("redis", "REDIS_DB", "0"),
        ("redis", "REDIS_USERNAME", "default"),
        ("redis", "REDIS_PASSWORD", "${REDIS_PASSWORD:?see .env}"),
    ],
)
def test_variables_that_the_source_names(package, named, expected):
    assert told(package, named=[named, "DEBUG", "SENTRY_URL"]) == {named: expected}


def test_what_may_mean_another_database_is_that_of_the_relational_one():
    named = ["DB_HOST", "DB_PORT", "DATABASE_URL", "REDIS_HOST"]
    assert told("psycopg", "redis", "pymongo", named=named) == {
        "DB_HOST": "postgres",
        "DB_PORT": "5432",
        "DATABASE_URL": POSTGRES,
        "MONGO_URL": MONGO,
        "REDIS_HOST": "redis",
    }


def test_the_name_of_a_database_has_no_dash():
    assert told_variables("my-shop", frozenset({"psycopg"}), frozenset()) == {
        "DATABASE_URL": POSTGRES.replace("/shop", "/my_shop")
    }


@pytest.mark.parametrize("name", ["SECRET_KEY", "DJANGO_SECRET_KEY", "SESSION_SECRET", "SECRET"])
def test_a_key_that_only_the_site_has_to_know_is_made(name):
    assert secrets_of(frozenset({name, "DEBUG"})) == [name]


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "CLIENT_SECRET"])
def test_a_key_that_somebody_else_has_given_is_not_made(name):
    assert secrets_of(frozenset({name})) == []


def test_without_compose_a_password_is_another_word():
    assert without_compose({"A": "x${B:?see .env}y", "C": "z"}, {}) == {
        "A": "xnot-known-herey",
        "C": "z",
    }
    assert without_compose({"A": "${B:?see .env}"}, {"B": r"a\1"}) == {"A": r"a\1"}


# -- services --------------------------------------------------------------------------------------


def test_the_smallest_site_has_an_app_and_a_proxy():
    found = stack()
    assert [one.name for one in found.services] == ["app", "proxy"]
    assert found.secrets == ()
    assert found.volumes == {}
    assert (found.env_files, found.build_env_file, found.build_secrets) == ((".env",), "", ())


def test_only_what_needs_a_network_is_in_it():
    found = stack("psycopg", release=("python", "x.py"))
    assert service(found, "proxy").networks == ("web",)
    # The network of the databases leads nowhere else.
    assert service(found, "postgres").networks == ("data",)
    assert service(found, "release").networks == ("out", "data")
    assert service(found, "app").networks == ("out", "web", "data")
    assert service(stack(), "app").networks == ("out", "web")


def test_everything_starts_when_what_it_needs_is_ready():
    found = stack("psycopg", "redis", release=("python", "x.py"), processes=("w=python w.py",))
    healthy = {"postgres": "service_healthy", "redis": "service_healthy"}
    released = {**healthy, "release": "service_completed_successfully"}
    assert dict(service(found, "release").after) == healthy
    assert dict(service(found, "app").after) == released
    assert dict(service(found, "w").after) == released
    assert dict(service(found, "proxy").after) == {"app": "service_healthy"}


def test_uploads_are_written_by_the_app_and_only_read_by_the_proxy():
    media = MediaFolder(url="/media/", directory="/srv/shop/media", source="UPLOAD_FOLDER")
    found = stack(app={"media": (media,)}, processes=("w=python w.py",))
    for name, is_read_only in (("app", False), ("w", False), ("proxy", True)):
        [volume] = service(found, name).volumes
        assert (volume.directory, volume.is_read_only) == ("/srv/app/media", is_read_only)
    assert list(found.volumes) == ["media"]


def test_compose_takes_no_variable_of_its_own_out_of_a_command():
    found = stack(release=("python", "$HOME"), processes=("w=python ${X} $$",))
    assert service(found, "release").command == ("python", "$$HOME")
    assert service(found, "w").command == ("/opt/venv/bin/python", "$${X}", "$$$$")


@pytest.mark.parametrize("name", ["app", "proxy", "redis"])
def test_a_process_that_is_called_as_a_service_is_refused(name):
    with pytest.raises(OutriderError) as caught:
        stack("redis", processes=(f"{name}=python w.py",))
    assert name in str(caught.value)


def test_a_database_stops_later_than_its_site():
    assert stack().stop_s > 30


# -- .env ------------------------------------------------------------------------------------------


def test_passwords_are_made_for_databases_and_keys():
    found = stack("psycopg", "redis", named=["SECRET_KEY"])
    assert set(found.secrets) == {"SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}
    assert found.build_env_file == ".env"


def test_what_nothing_sets_is_named_and_what_something_sets_is_not():
    needed = ["SECRET_KEY", "DATABASE_URL", "MAIL_KEY", "PLACE"]
    found = stack("psycopg", named=needed, required=needed, dotenv={"PLACE": "x"})
    assert list(warnings(found)) == ["MAIL_KEY"]
    assert not warnings(stack("psycopg", named=needed, required=["DATABASE_URL"]))


def test_a_value_that_compose_yaml_sets_in_another_way_is_named():
    dotenv = {"DATABASE_URL": "postgresql://localhost/x", "SECRET_KEY": "x"}
    found = stack("psycopg", named=[*dotenv], dotenv=dotenv)
    assert list(warnings(found)) == ["DATABASE_URL"]


@pytest.mark.parametrize(("password", "is_named"), [("a/b", True), ("a@b", True), ("a-1_~", False)])
def test_a_password_that_would_break_a_url_is_named(password, is_named):
    found = stack("psycopg", dotenv={"POSTGRES_PASSWORD": password})
    assert (list(warnings(found)) == ["POSTGRES_PASSWORD"]) == is_named


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("shop", "shop"),
        ("My Shop", "my-shop"),
        ("_shop_", "shop"),
        ("Ünsinn", "nsinn"),
        ("日本", "site"),
        ("", "site"),
        ("a_b-c.d", "a_b-c-d"),
    ],
)
def test_a_name_that_compose_takes(folder, name):
    assert project_name(folder) == name
