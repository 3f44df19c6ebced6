//! Scopes are read or left out, never a panic; names are never empty.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for access in larder_registry::scope::parse([text].into_iter()) {
        assert!(!access.name.is_empty() && !access.kind.contains(' '));
    }
});
