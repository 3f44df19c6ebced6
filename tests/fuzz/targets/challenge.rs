//! A registry's challenge is read or passed over.
#![no_main]
use larder_mirrors::oci::Challenge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    if let Some(challenge) = Challenge::read(header) {
        assert!(!challenge.realm.contains('"'));
    }
});
