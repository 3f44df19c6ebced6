//! A registry's challenges are read or passed over.
#![no_main]
use larder_mirrors::oci::Challenge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    if let Some(Challenge::Bearer(request)) = Challenge::choose([header]) {
        assert!(!request.realm.is_empty() && request.realm.len() <= header.len());
    }
});
