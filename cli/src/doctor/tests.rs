use super::*;
use larder_api::DiskSpace;

#[test]
fn a_disk_is_full_before_it_is() {
    let disk = |free_bytes, total_bytes| {
        server::disk(Some(DiskSpace {
            free_bytes,
            total_bytes,
        }))
    };
    assert_eq!(disk(100 << 30, 200 << 30).state, State::Ok);
    assert_eq!(disk(1 << 30, 200 << 30).state, State::Problem);
    assert_eq!(disk(100 << 20, 1 << 30).state, State::Problem);
    assert_eq!(server::disk(None).state, State::Note);
    assert_eq!(
        disk(1 << 30, 2 << 30).detail,
        "1024 MiB of 2048 MiB are free"
    );
}
