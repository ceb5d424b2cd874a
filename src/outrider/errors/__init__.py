"""Everything a user can be told when something is wrong, as data: what, found, fix, exit code.

Each function makes one error. `docs/reference/errors.md` is written from these modules by cog, with
the functions' docstrings as its prose. Callers write `errors.no_nginx()`, whatever the module.
"""

from outrider.errors.base import *
from outrider.errors.bench import *
from outrider.errors.control import *
from outrider.errors.docker import *
from outrider.errors.folders import *
from outrider.errors.image import *
from outrider.errors.importing import *
from outrider.errors.programs import *
from outrider.errors.running import *
from outrider.errors.settings import *
from outrider.errors.sockets import *
from outrider.errors.starting_point import *
from outrider.errors.target import *
