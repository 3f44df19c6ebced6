use super::*;

#[test]
fn sizes_are_read() {
    let read = |text: &str| text.parse::<ByteLimit>().map(ByteLimit::limit);
    assert_eq!(read("10GiB"), Ok(Some(10 << 30)));
    assert_eq!(read("500MB"), Ok(Some(500_000_000)));
    assert_eq!(read("7B"), Ok(Some(7)));
    assert_eq!(read("1048576"), Ok(Some(1 << 20)));
    assert_eq!(read("none"), Ok(None));
    for wrong in ["", "GiB", "1.5GiB", "-1", "10 GiB", "99999999999TiB"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn counts_are_read() {
    let read = |text: &str| text.parse::<CountLimit>().map(CountLimit::limit);
    assert_eq!(read("500"), Ok(Some(500)));
    assert_eq!(read("none"), Ok(None));
    assert!(read("many").is_err());
}
