use super::*;

#[test]
fn what_the_trigger_tells_is_read() {
    let read = read("versions 3 2 4 shared npm/a *").expect("it does not fit");
    let expected = Shortage {
        of: "npm/a *".into(),
        is_shared: true,
        unit: QuotaUnit::Versions,
        limit: 3,
        used: 2,
        held: 0,
        wanted: 2,
    };
    assert_eq!(read, expected);
    assert_eq!(super::read("bytes 1 2"), None);
    assert_eq!(super::read("something else"), None);
}
