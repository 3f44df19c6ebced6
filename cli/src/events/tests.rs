use super::*;

#[test]
fn events_are_read_however_they_are_cut() {
    let text = b": alive\n\ndata: {\"a\":1}\n\nid: 7\ndata:one\r\ndata: two\r\n\r\ndata: begun";
    for size in 1..text.len() {
        let mut events = Events::default();
        let mut found = Vec::new();
        for piece in text.chunks(size) {
            found.extend(events.read(piece).expect("events"));
        }
        assert_eq!(found, ["{\"a\":1}", "one\ntwo"], "in pieces of {size}");
    }
}

#[test]
fn what_is_no_event_is_refused() {
    assert_eq!(Events::default().read(b"data: \xff\n"), Err(NoEvent));
    let long = vec![b'x'; EVENT + 1];
    assert_eq!(Events::default().read(&long), Err(NoEvent));
    let mut events = Events::default();
    let line = [b"data: ".as_slice(), &vec![b'x'; EVENT / 2 - 10], b"\n"].concat();
    assert_eq!(events.read(&line), Ok(Vec::new()));
    assert_eq!(events.read(&line), Ok(Vec::new()));
    assert_eq!(events.read(&line), Err(NoEvent));
}
