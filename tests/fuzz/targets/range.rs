//! A range lies within the body and is never empty.
#![no_main]
use larder_door::range::{RangeRequest, wanted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, &str)| {
    let (size, header) = input;
    for header in [header.to_owned(), format!("bytes={header}")] {
        if let RangeRequest::Part(range) = wanted(&header, size) {
            assert!(range.start < range.end && range.end <= size);
        }
    }
});
