use super::*;
use crate::pkt_line::Writer;

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn body(lines: &[&str]) -> Vec<u8> {
    let mut writer = Writer::default();
    for line in lines {
        match *line {
            "0000" => writer.flush(),
            "0001" => writer.delimiter(),
            line => writer.line(line),
        }
    }
    writer.into_bytes()
}

#[test]
fn wants_are_found_in_both_versions() {
    let (one, two) = (format!("want {ONE}"), format!("want {TWO}"));
    let have = format!("have {TWO}");
    let new = [
        "command=fetch",
        "0001",
        "ofs-delta",
        &two,
        &one,
        &one,
        &have,
        "done",
        "0000",
    ];
    let texts = |wants: Vec<Oid>| -> Vec<String> { wants.iter().map(Oid::to_string).collect() };
    assert_eq!(
        texts(wants(Version::V2, &body(&new)).expect("wants")),
        [ONE, TWO]
    );
    let first = format!("{one} multi_ack side-band-64k");
    let old = [&*first, &two, "0000", &have, "done"];
    assert_eq!(
        texts(wants(Version::V0, &body(&old)).expect("wants")),
        [ONE, TWO]
    );
    assert!(wants(Version::V0, b"0000").expect("none").is_empty());
}

#[test]
fn what_is_no_object_is_refused() {
    assert!(wants(Version::V2, &body(&["want --upload-pack=x"])).is_err());
    assert!(wants(Version::V2, b"zzzz").is_err());
}
