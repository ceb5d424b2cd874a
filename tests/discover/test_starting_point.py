"""What a folder with files written by hand has, and what of it is Outrider's own."""

from __future__ import annotations

import pytest
from tests.integration.running import APPS

from outrider.discover.starting_point import look_at_starting_point
from outrider.errors import OutriderError
from outrider.render.artifact import stamped


def test_the_files_of_the_article_are_found_and_read():
    found = look_at_starting_point(str(APPS / "article"), {})
    assert found.compose is not None
    assert [one.name for one in found.compose.services] == ["blog", "mongo", "blog-proxy"]
    assert found.dockerfile is not None
    assert found.dockerfile.command[-1] == "manage:app"
    assert [str(one) for one in found.all("proxy_pass")] == ["proxy_pass http://blog:8000/"]
    assert dict(found.paths)["/Users/gevin/projects/data/mongodb"] == "missing"


def test_what_outrider_wrote_is_passed_over_for_what_was_moved_out_of_its_way(tmp_path):
    (tmp_path / "compose.yaml").write_text(stamped("compose.yaml", "services: {}\n").content)
    (tmp_path / "Dockerfile").write_text(stamped("Dockerfile", "FROM ours\n").content)
    (tmp_path / "Dockerfile.mine").write_text("FROM python:3.12\n")
    (tmp_path / "docker-compose.yml").write_text("services: {web: {build: .}}\n")
    found = look_at_starting_point(str(tmp_path), {})
    assert found.dockerfile is not None
    assert found.dockerfile.image == "python:3.12"
    assert found.compose is not None
    assert found.compose.path.endswith("/docker-compose.yml")


def test_environment_files_and_what_they_replace(tmp_path):
    (tmp_path / ".env").write_text("TAG=16\nSECRET=x\n")
    (tmp_path / "docker-compose.yml").write_text(
        "services: {db: {image: 'postgres:${TAG}'}, web: {build: ., env_file: .env}}\n"
    )
    compose = look_at_starting_point(str(tmp_path), {"TAG": "17"}).compose
    assert compose is not None
    database, web = compose.services
    assert database.image == "postgres:17", "the environment counts before .env"
    assert dict(web.told) == {"TAG": "16", "SECRET": "x"}


def test_a_proxy_that_is_built_is_known_by_its_dockerfile(tmp_path):
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "Dockerfile").write_text("FROM nginx:1.27\n")
    (tmp_path / "nginx" / "site.conf").write_text("server { listen 80; }")
    (tmp_path / "compose.yml").write_text("services: {front: {build: ./nginx}}\n")
    found = look_at_starting_point(str(tmp_path), {})
    assert found.compose is not None
    assert found.compose.services[0].repository == "nginx"
    assert len(found.nginx) == 1


def test_configuration_of_something_else_is_not_read(tmp_path):
    (tmp_path / "supervisord.conf").write_text("[program:app]\ncommand={\n")
    (tmp_path / "Dockerfile").write_text("FROM python\n")
    assert look_at_starting_point(str(tmp_path), {}).nginx == ()


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_nothing_to_start_from(folder, tmp_path):
    with pytest.raises(OutriderError) as refused:
        look_at_starting_point(str(tmp_path / folder), {})
    assert refused.value.id == "no-starting-point"


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "Dockerfile").write_bytes(b"\xff\xfe")
    with pytest.raises(OutriderError) as refused:
        look_at_starting_point(str(tmp_path), {})
    assert refused.value.id == "bad-starting-file"
