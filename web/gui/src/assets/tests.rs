use super::*;
use http::header::ACCEPT_ENCODING;
use larder_model::{Algorithm, Digest};

/// What was taken over from others, as it came from them.
const VENDORED: [(&str, &str); 2] = [
    (
        "htmx.",
        "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    ),
    (
        "hx-sse.",
        "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
    ),
];

#[test]
fn vendored_files_are_as_they_came() {
    for (name, digest) in VENDORED {
        let asset = ASSETS.iter().find(|asset| asset.name.starts_with(name));
        let plain = asset.expect("an asset").plain;
        assert_eq!(Digest::of(Algorithm::Sha256, plain).hex(), digest, "{name}");
    }
}

#[test]
fn assets_stay_small() {
    let size = |extension: &str| -> usize {
        let of = ASSETS
            .iter()
            .filter(|asset| asset.name.ends_with(extension));
        of.map(|asset| asset.gzip.len()).sum()
    };
    assert!(size(".js") <= 24_000, "scripts have {} bytes", size(".js"));
    assert!(
        size(".css") <= 10_000,
        "style sheets have {} bytes",
        size(".css")
    );
}

#[test]
fn names_are_found_and_compressed_forms_are_given() {
    let name = at::APP_CSS.strip_prefix("/assets/").expect("below assets");
    let asset = Asset::find(name).expect("there");
    for (takes, coding) in [
        ("gzip, br", Some("br")),
        ("gzip", Some("gzip")),
        ("zstd", None),
    ] {
        let value = HeaderValue::from_static(takes);
        let answer = asset.answer(&HeaderMap::from_iter([(ACCEPT_ENCODING, value)]));
        let given = answer.headers().get(CONTENT_ENCODING);
        assert_eq!(given.and_then(|it| it.to_str().ok()), coding);
    }
    assert!(Asset::find("app.css").is_none());
}
