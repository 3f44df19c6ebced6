use super::*;
use larder_model::FileKind;

#[test]
fn a_use_is_noted_once_in_a_while() {
    let mark = UseMark::default();
    let at = |minutes: u64| Timestamp(1).after(Duration::from_mins(minutes));
    assert!(mark.is_due(at(1_000)));
    assert!(!mark.is_due(at(1_009)));
    assert!(mark.is_due(at(1_010)));
}

#[test]
fn downloads_around_midnight_are_of_their_day() {
    let (uses, mark) = (Uses::default(), DownloadMark::default());
    let package = crate::keys::PackageKey {
        repo: 1,
        package: "p",
    };
    let key = package.file(FileKind::Artifact, "a");
    let at = |days: u64, hours: u64| Timestamp(0).after(Duration::from_hours(24 * days + hours));
    let note = |at| uses.note_download_in(&mark, key, at);
    let take = |at| {
        let taken = uses.take(at).into_iter();
        taken.flat_map(|it| it.downloads).collect::<Vec<_>>()
    };
    note(at(5, 22));
    note(at(5, 23));
    note(at(6, 0));
    let mut taken = take(at(6, 1));
    taken.sort_unstable();
    assert_eq!(taken, [(5, 2), (6, 1)]);
    note(at(6, 2));
    assert_eq!(take(at(6, 3)), [(6, 1)]);
    assert_eq!(take(at(6, 4)), []);
    note(at(6, 5));
    drop(mark);
    assert_eq!(take(at(6, 6)), [(6, 1)], "its record is gone");
    assert!(uses.counted.lock().expect("list").is_empty());
}
