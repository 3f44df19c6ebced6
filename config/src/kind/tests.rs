use super::*;
use crate::fault::Place;

fn read<K: Kind>(text: &str) -> Result<K::Value, Wrong> {
    K::read(
        &Written::loose(Place::Default, text),
        Path::new("/srv/larder"),
    )
}

#[test]
fn paths_may_begin_in_the_data_directory() {
    for (text, path) in [
        ("<data>/storage", "/srv/larder/storage"),
        ("<data>", "/srv/larder"),
        ("<data>//etc", "/srv/larder/etc"),
        ("<data>x", "<data>x"),
        ("blobs", "blobs"),
    ] {
        assert_eq!(read::<PathBuf>(text).expect(text), PathBuf::from(path));
    }
}

#[test]
fn counts_have_bounds() {
    assert_eq!(read::<Count<usize, 0>>("0").expect("a count"), 0);
    assert!(read::<Count<usize, 1>>("0").is_err());
    assert!(read::<Count<u32, 0>>("4294967296").is_err());
    assert!(read::<Count<u32, 0>>("-1").is_err());
    assert!(read::<Count<u32, 0>>("1.5").is_err());
}
