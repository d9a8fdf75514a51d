"""An image archive as the host port offers it: a description, then binary after binary."""

from __future__ import annotations

from torchsmith.host.base import ImagePart
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def parts(place: str, path: str) -> Iterator[ImagePart]:
    """See ``Host.image``; the file lies at ``place`` and is known as ``path``."""
    from torchsmith.binaries.errors import BinaryError
    from torchsmith.binaries.image import Archive
    from torchsmith.host import readers

    try:
        file, size = readers.opened(place, path)
        with file:
            archive = Archive(file, size)
            described = {"images": plain(archive.images), "warnings": archive.warnings}
            yield ImagePart(0, "", 0, Known(described, path))
            for number, image in enumerate(archive.images):
                for found, told in archive.objects(image, archive.files(image)):
                    answer = Unknown(told, (path,)) if isinstance(told, str) else Known(plain(told), path)
                    yield ImagePart(number, found.path, found.layer, answer)
            yield ImagePart(0, "", 0, Known({**described, "warnings": list(archive.warnings)}, path))
    except BinaryError as error:
        yield ImagePart(0, "", 0, Unknown(str(error), (path,)))
    except OSError as error:
        yield ImagePart(0, "", 0, Unknown(error.strerror or type(error).__name__, (path,)))
