//! What the teams of a company push and publish.

use crate::wares::{descriptor, image, publish_described};
use crate::weeks::{Weeks, done};
use larder_tests::image::{INDEX, digest, put_manifest};
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use larder_tests::{Client, Image};
use serde_json::json;

/// The package that tells what it is.
const DESCRIBED: &str = "@storefront/checkout";

/// Pushes a service for two platforms, signed and with a list of what is in it.
fn push_for_all(client: &Client, name: &str, version: &str, bytes: usize) {
    let service = name.rsplit('/').next().unwrap_or(name);
    let one = |architecture: &str, bytes: usize| {
        let image = image(service, version, architecture, bytes);
        image.push(client, name, &image.digest.to_string());
        let mut part = descriptor(&image);
        part["platform"] = json!({"os": "linux", "architecture": architecture});
        part
    };
    let amd = one("amd64", bytes);
    let arm = one("arm64", bytes - bytes / 9);
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [amd, arm]}).to_string();
    put_manifest(client, name, version, INDEX, index.as_bytes()).expect(201);
    let subject = json!({"mediaType": INDEX, "digest": digest(index.as_bytes()).to_string(), "size": index.len()});
    let about = |kind: &str, text: &[u8]| {
        let extra = json!({"subject": subject, "artifactType": kind});
        let image = Image::of(b"{}".to_vec(), vec![text.to_vec()], &extra);
        image.push(client, name, &image.digest.to_string());
    };
    about(
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        b"{\"signature\":true}",
    );
    about("application/spdx+json", b"{\"spdxVersion\":\"SPDX-2.3\"}");
}

/// What teams push.
pub(crate) fn images(weeks: &mut Weeks) {
    let bytes = weeks.bytes;
    for (name, about) in [
        (
            "platform",
            "Gateway, scheduler and what all services stand on",
        ),
        (
            "payments",
            "Ledger and fraud scoring; releases need two approvals",
        ),
        ("storefront", "What customers see"),
    ] {
        let repo = json!({"protocol": "oci", "name": name, "description": about});
        weeks
            .larder
            .api("POST", "repositories", &repo.to_string(), 201);
    }
    for version in ["2.13.4", "2.14.0", "2.14.1", "2.15.0"] {
        push_for_all(&weeks.larder.admin(), "platform/gateway", version, bytes);
        weeks.pass(7 * 24);
    }
    for (name, versions) in [
        ("platform/scheduler", &["1.8.3", "1.9.0"][..]),
        (
            "payments/ledger",
            &["4.1.9", "4.2.0", "4.2.1", "4.3.0-rc.1"],
        ),
        ("payments/fraud-scoring", &["2026.11.1"]),
        ("storefront/web", &["118", "119", "120"]),
        ("storefront/search", &["0.31.0"]),
    ] {
        let service = name.rsplit('/').next().unwrap_or(name);
        for version in versions {
            image(service, version, "amd64", bytes).push(&weeks.larder.admin(), name, version);
            weeks.pass(31);
        }
    }
}

/// What teams publish.
pub(crate) fn packages(weeks: &mut Weeks) {
    let mut random = Random::new(3);
    for (protocol, name, versions) in [
        ("cargo", "ledger-core", &["0.9.0", "0.9.1", "1.0.0"][..]),
        ("cargo", "service-config", &["0.4.2"]),
        (
            "npm",
            DESCRIBED,
            &["3.1.0", "3.1.1", "3.2.0", "4.0.0-beta.1"],
        ),
        ("npm", "@storefront/design-tokens", &["1.12.0"]),
        ("pypi", "fraud-features", &["2026.10.0", "2026.11.0"]),
    ] {
        for version in versions {
            let bytes = random.bytes(weeks.bytes / 8);
            let admin = weeks.larder.admin();
            done(&if name == DESCRIBED {
                publish_described(&admin, name, version, &bytes)
            } else {
                publish(&admin, protocol, name, version, &bytes)
            });
            weeks.pass(17);
        }
    }
}
