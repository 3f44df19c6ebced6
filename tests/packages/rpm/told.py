"""Prints what the metadata of a repository tells, one line for each thing, whoever wrote it; fails if it does not agree
with itself. The moment at which a file came is left out."""
import gzip
import hashlib
import pathlib
import sys
import xml.etree.ElementTree as xml

root = pathlib.Path(sys.argv[1])
name = lambda tag: tag.rsplit("}")[-1]


def lines(element, path):
    here = path + "/" + name(element.tag)
    values = {name(key): value for key, value in element.items() if (name(element.tag), key) != ("time", "file")}
    text = (element.text or "").strip() if len(element) == 0 else ""
    yield here + " " + repr(sorted(values.items())) + " " + repr(text)
    for child in element:
        yield from lines(child, here)


def identity(package):
    return package.get("pkgid") or [child.text for child in package if name(child.tag) == "checksum"][0]


for data in xml.parse(root / "repodata/repomd.xml").getroot():
    if name(data.tag) != "data":
        continue
    told = {name(child.tag): child for child in data}
    packed = (root / told["location"].get("href")).read_bytes()
    plain = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    assert hashlib.sha256(packed).hexdigest() == told["checksum"].text
    assert len(packed) == int(told["size"].text)
    if "open-checksum" in told:
        assert hashlib.sha256(plain).hexdigest() == told["open-checksum"].text
        assert len(plain) == int(told["open-size"].text)
    kind = data.get("type")
    if kind not in ("primary", "filelists", "other"):
        continue
    list_ = xml.fromstring(plain)
    print(kind, list_.tag, list_.get("packages"))
    assert len(list_) == int(list_.get("packages"))
    for package in sorted(list_, key=identity):
        for line in lines(package, kind):
            print(line)
