//! Ranges lie within the body, are never empty and have no byte in common.
#![no_main]
use larder_door::range::{RangeRequest, wanted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, &str)| {
    let (size, header) = input;
    for header in [header.to_owned(), format!("bytes={header}")] {
        let mut parts = match wanted(&header, size) {
            RangeRequest::Part(part) => vec![part],
            RangeRequest::Parts(parts) => {
                assert!(parts.len() > 1);
                parts
            }
            RangeRequest::Whole | RangeRequest::Outside => continue,
        };
        assert!(parts.iter().all(|part| part.start < part.end && part.end <= size));
        parts.sort_by_key(|part| part.start);
        assert!(parts.windows(2).all(|two| two[0].end <= two[1].start));
    }
});
