//! A list of artifacts is read or refused, whatever it is compressed with.
#![no_main]
use larder_mirrors::{Artifact, Protocol, rpm};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for ending in ["", ".gz", ".xz", ".zst", ".bz2"] {
        let list = Artifact { package: "".into(), version: None, path: format!("repodata/primary.xml{ending}").into() };
        if let Ok(table) = rpm::Rpm.table(&list, body) {
            let _ = table.weight();
            let _ = table.find("https://upstream.example/", "demo.rpm");
        }
    }
});
