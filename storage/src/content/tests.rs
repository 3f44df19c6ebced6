use super::*;
use std::io::Write as _;

#[test]
fn a_part_of_a_file_is_read_from_places_of_ones_own() {
    let mut file = tempfile::tempfile().expect("file");
    file.write_all(b"before0123456789after").expect("written");
    let file = Arc::new(file);
    let mut readers = [(); 2].map(|()| FileReader::new(Arc::clone(&file), 6..16));
    let read = |reader: &mut FileReader, count: usize| {
        let mut text = String::new();
        reader
            .take(count as u64)
            .read_to_string(&mut text)
            .expect("read");
        text
    };
    assert_eq!(read(&mut readers[0], 4), "0123");
    assert_eq!(read(&mut readers[1], 20), "0123456789");
    assert_eq!(read(&mut readers[0], 20), "456789");
    assert_eq!(read(&mut readers[0], 20), "");
    assert_eq!(readers[0].seek(SeekFrom::Start(8)).expect("seek"), 8);
    assert_eq!(read(&mut readers[0], 20), "89");
    assert_eq!(readers[0].seek(SeekFrom::End(-3)).expect("seek"), 7);
    assert_eq!(readers[0].seek(SeekFrom::Current(-2)).expect("seek"), 5);
    assert_eq!(read(&mut readers[0], 20), "56789");
    // Beyond its end there is nothing, and before its start no place.
    assert_eq!(readers[0].seek(SeekFrom::Start(30)).expect("seek"), 30);
    assert_eq!(read(&mut readers[0], 20), "");
    readers[0]
        .seek(SeekFrom::Current(-31))
        .expect_err("no place");
}
