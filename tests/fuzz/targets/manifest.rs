//! A manifest that is taken has one reading, and a second reading agrees with the first.
#![no_main]
use larder_registry::manifest::parse;
use libfuzzer_sys::fuzz_target;

const TYPES: [Option<&str>; 4] = [
    None,
    Some("application/vnd.oci.image.manifest.v1+json"),
    Some("application/vnd.oci.image.index.v1+json"),
    Some("application/vnd.acme+json; charset=utf-8"),
];

fuzz_target!(|data: &[u8]| {
    for content_type in TYPES {
        if let Ok(manifest) = parse(data, content_type) {
            assert!(manifest.manifests.is_empty() || manifest.blobs.is_empty());
            assert!(!manifest.media_type.contains(';'));
            assert_eq!(parse(data, Some(&manifest.media_type)).expect("again"), manifest);
        }
    }
});
