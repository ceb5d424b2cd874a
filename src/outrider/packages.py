"""System packages that Python packages need beside what is in their wheels, one row each.

Only what is really missing: most wheels bring their libraries along. The names are those that
Debian 12 and 13 and Alpine have in common with themselves from release to release.
"""

from __future__ import annotations

from dataclasses import dataclass

SLIM, ALPINE = "slim", "alpine"
VARIANTS = (SLIM, ALPINE)

COMPILER: dict[str, tuple[str, ...]] = {SLIM: ("gcc", "libc6-dev"), ALPINE: ("gcc", "musl-dev")}
GIT = "git"


@dataclass(frozen=True, kw_only=True)
class Need:
    """What some Python packages need of the system."""

    of: tuple[str, ...]
    """Distributions, as normalised, and `name[extra]`; any of them."""
    unless: tuple[str, ...] = ()
    """Distributions that bring it along."""
    build: tuple[str, ...] = ()
    """To compile them, on Debian; the compiler itself comes with any."""
    run: tuple[str, ...] = ()
    """To run them, on Debian."""
    alpine_build: tuple[str, ...] = ()
    alpine_run: tuple[str, ...] = ()
    is_compiled: bool = False
    """It has no wheel at all."""
    why: str
    source: str
    """Where it is said."""

    def applies(self, names: frozenset[str]) -> bool:
        """Tell whether a project with these packages needs it."""
        return any(name in names for name in self.of) and not any(
            name in names for name in self.unless
        )

    def build_packages(self, variant: str) -> tuple[str, ...]:
        """Return what is needed to install it."""
        wanted = self.alpine_build if variant == ALPINE else self.build
        return (*(COMPILER[variant] if self.is_compiled else ()), *wanted)

    def run_packages(self, variant: str) -> tuple[str, ...]:
        """Return what is needed to run it."""
        return self.alpine_run if variant == ALPINE else self.run


NEEDS: tuple[Need, ...] = (
    Need(
        of=("mysqlclient",),
        is_compiled=True,
        build=("default-libmysqlclient-dev", "pkg-config"),
        run=("libmariadb3",),
        alpine_build=("mariadb-connector-c-dev", "pkgconf"),
        alpine_run=("mariadb-connector-c",),
        why="mysqlclient is compiled against the MySQL client library",
        source="https://github.com/PyMySQL/mysqlclient#linux",
    ),
    Need(
        of=("psycopg2",),
        is_compiled=True,
        build=("libpq-dev",),
        run=("libpq5",),
        alpine_build=("libpq-dev",),
        alpine_run=("libpq",),
        why="psycopg2 is compiled against the PostgreSQL client library",
        source="https://www.psycopg.org/docs/install.html#build-prerequisites",
    ),
    Need(
        of=("psycopg-c", "psycopg[c]"),
        is_compiled=True,
        build=("libpq-dev",),
        run=("libpq5",),
        alpine_build=("libpq-dev",),
        alpine_run=("libpq",),
        why="psycopg[c] is compiled against the PostgreSQL client library",
        source="https://www.psycopg.org/psycopg3/docs/basic/install.html#local-installation",
    ),
    Need(
        of=("psycopg",),
        unless=("psycopg-binary", "psycopg[binary]", "psycopg-c", "psycopg[c]"),
        run=("libpq5",),
        alpine_run=("libpq",),
        why="psycopg loads the PostgreSQL client library",
        source="https://www.psycopg.org/psycopg3/docs/basic/install.html#pure-python-installation",
    ),
    Need(
        of=("python-ldap", "django-auth-ldap"),
        is_compiled=True,
        build=("libldap-dev", "libsasl2-dev"),
        # Brings the library, whose own package has another name in each release of Debian.
        run=("ldap-utils",),
        alpine_build=("openldap-dev", "cyrus-sasl-dev"),
        alpine_run=("libldap", "libsasl"),
        why="python-ldap is compiled against OpenLDAP",
        source="https://www.python-ldap.org/en/latest/installing.html#debian",
    ),
    Need(
        of=("pylibmc",),
        is_compiled=True,
        build=("libmemcached-dev", "zlib1g-dev"),
        run=("libmemcached11",),
        alpine_build=("libmemcached-dev", "zlib-dev"),
        alpine_run=("libmemcached-libs",),
        why="pylibmc is compiled against libmemcached",
        source="https://sendapatch.se/projects/pylibmc/install.html",
    ),
    Need(
        of=("pycairo",),
        is_compiled=True,
        build=("libcairo2-dev", "pkg-config"),
        run=("libcairo2",),
        alpine_build=("cairo-dev", "pkgconf"),
        alpine_run=("cairo",),
        why="pycairo is compiled against Cairo",
        source="https://pycairo.readthedocs.io/en/latest/getting_started.html",
    ),
    Need(
        of=("cairocffi", "cairosvg"),
        run=("libcairo2",),
        alpine_run=("cairo",),
        why="cairocffi loads Cairo",
        source="https://doc.courtbouillon.org/cairocffi/stable/overview.html",
    ),
    Need(
        of=("weasyprint",),
        run=("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"),
        # Alpine has no font of its own, and text would be boxes.
        alpine_run=("pango", "font-dejavu"),
        why="WeasyPrint loads Pango",
        source="https://doc.courtbouillon.org/weasyprint/stable/first_steps.html#linux",
    ),
    Need(
        of=("gdal",),
        is_compiled=True,
        build=("g++", "libgdal-dev"),
        run=("gdal-bin",),
        alpine_build=("g++", "gdal-dev"),
        alpine_run=("gdal", "geos", "proj"),
        why="the bindings are compiled against GDAL, and must be of the same version",
        source="https://gdal.org/en/stable/api/python/python_bindings.html",
    ),
    Need(
        of=("djangorestframework-gis", "django-geojson"),
        unless=("gdal",),
        run=("binutils", "gdal-bin", "libproj-dev"),
        alpine_run=("gdal", "geos", "proj"),
        why="GeoDjango loads GDAL, GEOS and PROJ",
        source="https://docs.djangoproject.com/en/stable/ref/contrib/gis/install/geolibs/",
    ),
    Need(
        of=("python-magic",),
        run=("libmagic1",),
        alpine_run=("libmagic",),
        why="python-magic loads libmagic",
        source="https://github.com/ahupp/python-magic#installation",
    ),
    Need(
        of=("opencv-python", "opencv-contrib-python"),
        unless=("opencv-python-headless", "opencv-contrib-python-headless"),
        run=("libgl1", "libglib2.0-0"),
        alpine_run=("mesa-gl", "glib"),
        why="OpenCV with windows loads OpenGL; opencv-python-headless would not",
        source="https://github.com/opencv/opencv-python#installation-and-usage",
    ),
    Need(
        of=("pyzbar",),
        run=("libzbar0",),
        alpine_run=("zbar",),
        why="pyzbar loads the ZBar library",
        source="https://github.com/NaturalHistoryMuseum/pyzbar#installation",
    ),
    Need(
        of=("pytesseract",),
        run=("tesseract-ocr",),
        alpine_run=("tesseract-ocr", "tesseract-ocr-data-eng"),
        why="pytesseract runs the program tesseract",
        source="https://github.com/madmaze/pytesseract#installation",
    ),
    Need(
        of=("pdf2image",),
        run=("poppler-utils",),
        alpine_run=("poppler-utils",),
        why="pdf2image runs the programs of Poppler",
        source="https://github.com/Belval/pdf2image#how-to-install",
    ),
    Need(
        of=("pydub", "ffmpeg-python"),
        run=("ffmpeg",),
        alpine_run=("ffmpeg",),
        why="pydub and ffmpeg-python run the program ffmpeg",
        source="https://github.com/jiaaro/pydub#getting-ffmpeg-set-up",
    ),
    Need(
        of=("graphviz", "pydot"),
        run=("graphviz",),
        alpine_run=("graphviz",),
        why="graphviz and pydot run the program dot",
        source="https://graphviz.readthedocs.io/en/stable/manual.html#installation",
    ),
    Need(
        of=("wand",),
        run=("libmagickwand-dev",),
        alpine_run=("imagemagick-dev",),
        why="Wand loads ImageMagick, by a name that only its development files have",
        source="https://docs.wand-py.org/en/latest/guide/install.html",
    ),
    Need(
        of=("uwsgi",),
        is_compiled=True,
        alpine_build=("linux-headers",),
        why="uWSGI is compiled; pyuwsgi would not be",
        source="https://uwsgi-docs.readthedocs.io/en/latest/Install.html",
    ),
)
