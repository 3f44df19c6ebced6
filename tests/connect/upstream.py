"""Serves a cargo, an npm and a PyPI registry with one package each, and writes its port."""

import base64, functools, hashlib, http.server, io, json, os, sys, tarfile, zipfile

root = sys.argv[1]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
origin = f"http://127.0.0.1:{server.server_port}"


def put(path, data):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def packed(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


crate = packed({
    "kept-1.0.0/Cargo.toml": '[package]\nname = "kept"\nversion = "1.0.0"\nedition = "2021"\n',
    "kept-1.0.0/src/lib.rs": "",
})
line = {"name": "kept", "vers": "1.0.0", "deps": [], "features": {}, "yanked": False}
line["cksum"] = hashlib.sha256(crate).hexdigest()
put("cargo/config.json", json.dumps({"dl": f"{origin}/crates/{{crate}}/{{version}}"}))
put("cargo/ke/pt/kept", json.dumps(line) + "\n")
put("crates/kept/1.0.0", crate)

tarball = packed({"package/package.json": '{"name":"kept","version":"1.0.0"}'})
integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
dist = {"tarball": f"{origin}/npm/kept/-/kept-1.0.0.tgz", "integrity": integrity}
dist["shasum"] = hashlib.sha1(tarball).hexdigest()
versions = {"1.0.0": {"name": "kept", "version": "1.0.0", "dist": dist}}
put("npm/kept/-/kept-1.0.0.tgz", tarball)
put("npm/kept/index.html", json.dumps({"name": "kept", "dist-tags": {"latest": "1.0.0"}, "versions": versions}))

wheel = io.BytesIO()
with zipfile.ZipFile(wheel, "w") as archive:
    archive.writestr("kept/__init__.py", "")
    archive.writestr("kept-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: kept\nVersion: 1.0\n")
    archive.writestr("kept-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    archive.writestr("kept-1.0.dist-info/RECORD", "")
name = "kept-1.0-py3-none-any.whl"
digest = hashlib.sha256(wheel.getvalue()).hexdigest()
put(f"files/{name}", wheel.getvalue())
put("simple/kept/index.html", f'<!DOCTYPE html><a href="/files/{name}#sha256={digest}">{name}</a>')

print(f"port {server.server_port}", flush=True)
server.serve_forever()
