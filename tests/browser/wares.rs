//! Images and packages as builders make them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_tests::archive::{gzip, tar};
use larder_tests::image::MANIFEST;
use larder_tests::parcel::JSON;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Response};
use serde_json::{Value, json};

/// The steps by which a service's image is made.
fn history(service: &str) -> Value {
    let step = |at: &str, by: &str| json!({"created": format!("2026-11-{at}Z"), "created_by": by});
    let mut user = step("27T09:12:44", "USER 10001");
    user["empty_layer"] = true.into();
    let tools = "RUN apt-get install -y --no-install-recommends ca-certificates tzdata";
    let copy = format!("COPY target/release/{service} /usr/bin/ # buildkit");
    json!([
        step("02T06:00:00", "ADD rootfs.tar.zst / # buildkit"),
        step("27T09:11:58", tools),
        step("27T09:12:44", &copy),
        user,
    ])
}

/// An image of a service as builders make them; `bytes`: of its largest layer.
pub(crate) fn image(service: &str, version: &str, architecture: &str, bytes: usize) -> Image {
    let word = format!("{service} {version} {architecture}");
    let seed = word
        .bytes()
        .fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    let mut random = Random::new(seed);
    let mut base = Random::new(1);
    let labels = json!({
        "org.opencontainers.image.source": format!("https://git.acme.example/{service}"),
        "org.opencontainers.image.version": version,
    });
    let config = json!({
        "architecture": architecture, "os": "linux", "created": "2026-11-27T09:12:44Z",
        "author": "Acme Build <build@acme.example>",
        "config": {
            "User": "10001", "Entrypoint": [format!("/usr/bin/{service}")], "Cmd": ["serve"],
            "WorkingDir": "/srv", "ExposedPorts": {"8443/tcp": {}}, "Labels": labels,
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", format!("SERVICE_VERSION={version}"), "TZ=UTC"],
        },
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": history(service),
    });
    let layers = vec![
        base.bytes(bytes),
        base.bytes(bytes / 6),
        random.bytes(bytes / 3),
    ];
    let annotations = json!({"annotations": {
        "org.opencontainers.image.revision": format!("{:016x}", random.number()),
        "org.opencontainers.image.vendor": "Acme",
    }});
    Image::of(config.to_string().into_bytes(), layers, &annotations)
}

pub(crate) fn descriptor(image: &Image) -> Value {
    json!({"mediaType": MANIFEST, "digest": image.digest.to_string(), "size": image.manifest.len()})
}

/// What a package of the storefront says of itself.
const README: &str = "\
# Checkout

The checkout of the storefront: cart, address, payment.

## Use

```js
import { Checkout } from '@storefront/checkout';

new Checkout({ currency: 'EUR' }).mount('#checkout');
```

| option | default | what |
| --- | --- | --- |
| `currency` | `EUR` | ISO 4217 code of all amounts |
| `guest` | `true` | whether one may buy without an account |
| `steps` | all | which steps are shown, in their order |

> Version 4 needs the ledger at 4.3 or later.

See the [handbook](https://handbook.acme.example/checkout) for themes and translations.
";

/// Publishes a package of npm that tells what it is; pre-releases under the tag `next`.
pub(crate) fn publish_described(
    client: &Client,
    name: &str,
    version: &str,
    bytes: &[u8],
) -> Response {
    let manifest = json!({
        "name": name, "version": version, "main": "index.js", "license": "Apache-2.0",
        "description": "Cart, address and payment of the storefront",
        "author": "Storefront team", "keywords": ["checkout", "payment"],
        "repository": {"type": "git", "url": "https://git.acme.example/storefront/checkout"},
        "homepage": "https://handbook.acme.example/checkout",
        "engines": {"node": ">=22"},
        "dependencies": {"@storefront/design-tokens": "^1.12.0", "date-fns": "^4.1.0", "zod": "^4.2.0"},
        "devDependencies": {"vitest": "^4.0.0"},
    });
    let text = manifest.to_string();
    let files = [
        ("package/package.json", text.as_bytes()),
        ("package/README.md", README.as_bytes()),
        ("package/index.js", b"module.exports = 'ours'"),
        ("package/data", bytes),
    ];
    let packed = gzip(&tar(&files));
    let mut version_of = manifest;
    version_of["dist"] = json!({});
    let tag = if version.contains('-') {
        "next"
    } else {
        "latest"
    };
    let attachment = json!({
        "content_type": "application/octet-stream", "data": STANDARD.encode(&packed), "length": packed.len(),
    });
    let body = json!({
        "_id": name, "name": name, "dist-tags": {tag: version}, "readme": README,
        "versions": {version: version_of},
        "_attachments": {format!("{name}-{version}.tgz"): attachment},
    });
    let path = format!("/npm/main/{}", name.replace('/', "%2f"));
    client.send("PUT", &path, &JSON, body.to_string().as_bytes())
}
