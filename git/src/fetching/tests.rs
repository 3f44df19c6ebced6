use super::*;
use crate::oid::ObjectFormat;
use crate::refs::Refs;

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn oid(text: &str) -> Oid {
    text.parse().expect("a name")
}

fn new() -> Advertised {
    Advertised::Commands {
        format: ObjectFormat::Sha1,
        filters: true,
    }
}

fn old(words: &[&str]) -> Advertised {
    Advertised::Refs {
        format: ObjectFormat::Sha1,
        capabilities: words.iter().map(|&word| word.to_owned()).collect(),
        refs: Refs::default(),
    }
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let mut reader = Reader::of(bytes);
    let mut lines = Vec::new();
    while let Some(line) = reader.read().expect("lines") {
        lines.push(
            line.text()
                .map_or_else(|| format!("{line:?}"), str::to_owned),
        );
    }
    assert!(reader.is_empty());
    lines
}

#[test]
fn all_is_asked_for_in_one_request() {
    let (one, two) = (oid(ONE), oid(TWO));
    let told = lines(&request(&new(), &[&one], &[&two]));
    let end = [
        format!("want {ONE}"),
        format!("have {TWO}"),
        "done".to_owned(),
        "Flush".to_owned(),
    ];
    assert_eq!(told[0], "command=fetch");
    assert_eq!(told[told.len() - 4..], end);
    let told = lines(&request(&old(&["side-band-64k", "x"]), &[&one, &two], &[]));
    let first = format!("want {ONE} side-band-64k agent={AGENT}");
    assert_eq!(told, [&first, &format!("want {TWO}"), "Flush", "done"]);
}

fn band(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut lines = Writer::default();
    lines.bytes(&[&[number], bytes].concat());
    lines.into_bytes()
}

fn line(text: &str) -> Vec<u8> {
    let mut lines = Writer::default();
    lines.line(text);
    lines.into_bytes()
}

/// The pack and the progress of an answer that comes in pieces of so many bytes.
fn taken(upstream: &Advertised, body: &[u8], piece: usize) -> Result<(Vec<u8>, String), Problem> {
    let mut reader = PackReader::new(upstream);
    let (mut pack, mut progress) = (Vec::new(), String::new());
    for piece in body.chunks(piece) {
        for event in reader.push(piece)? {
            match event {
                Event::Pack(bytes) => pack.extend_from_slice(&bytes),
                Event::Progress(text) => progress.push_str(&text),
            }
        }
    }
    reader.end()?;
    Ok((pack, progress))
}

#[test]
fn a_pack_is_taken_out_of_its_bands() {
    let bands = [band(2, b"Counting\r"), band(1, b"PACK"), band(1, b"1234")].concat();
    let new_body = [line("packfile"), bands.clone(), b"0000".to_vec()].concat();
    let old_body = [line("NAK"), bands, b"0000".to_vec()].concat();
    let expected = (b"PACK1234".to_vec(), "Counting\r".to_owned());
    for piece in [1, 3, 1000] {
        assert_eq!(taken(&new(), &new_body, piece).expect("a pack"), expected);
        let old = old(&["side-band-64k"]);
        assert_eq!(taken(&old, &old_body, piece).expect("a pack"), expected);
    }
    let plain = [line(&format!("ACK {ONE}")), b"PACK1234".to_vec()].concat();
    for piece in [1, 3, 1000] {
        let (pack, _) = taken(&old(&[]), &plain, piece).expect("a pack");
        assert_eq!(pack, b"PACK1234");
    }
}

#[test]
fn an_answer_that_breaks_off_is_no_pack() {
    let whole = [line("packfile"), band(1, b"PACK"), b"0000".to_vec()].concat();
    for end in 0..whole.len() {
        let taken = taken(&new(), &whole[..end], 1000);
        assert_eq!(taken.expect_err("half").kind, Kind::Upstream, "{end}");
    }
    let failing = [line("packfile"), band(3, b"out of\nmemory")].concat();
    let told = taken(&new(), &failing, 7).expect_err("an error").detail;
    assert!(told.contains("out of memory"), "{told}");
    let refused = taken(&new(), &line("ERR not our ref"), 7).expect_err("an error");
    assert!(refused.detail.contains("not our ref"));
    let after = [&whole[..], &line("more")].concat();
    assert!(taken(&new(), &after, 1000).is_err());
}
