use super::*;
use flate2::read::GzDecoder;
use std::io::Read as _;

fn rendering() -> Rendering {
    let mut out = Rendering::new(64, 0);
    for line in 0..50 {
        out.push_str(&format!("{line}:"));
        out.push_url("/x");
    }
    out
}

/// What a client gets, byte by byte.
fn sent(form: &Bytes, origin: &str) -> (Vec<u8>, Digest) {
    let digest = Digest::of(Algorithm::Sha256, form);
    let form_read = Form::of(form).expect("a form");
    let overlay = form_read.overlay(&digest, origin).expect("it fits");
    let size = usize::try_from(overlay.size).expect("a size");
    let sent = overlay.onto(form.slice(..size), 0);
    (sent.to_vec(), overlay.tag)
}

#[test]
fn one_form_serves_all_addresses() {
    let plain = write(rendering(), Packing::None).expect("written");
    let packed = [Packing::Well, Packing::Quick].map(|it| write(rendering(), it).expect("written"));
    let mut tags = Vec::new();
    for origin in ["http://a", "https://larder.example:7070"] {
        let expected = rendering().filled(&filling(origin, 64).expect("it fits"));
        let (bytes, tag) = sent(&plain, origin);
        assert!(bytes == expected);
        tags.push(tag);
        for form in &packed {
            let (bytes, tag) = sent(form, origin);
            let mut unpacked = Vec::new();
            let mut reader = GzDecoder::new(&*bytes);
            reader.read_to_end(&mut unpacked).expect("a gzip member");
            assert!(unpacked == expected);
            tags.push(tag);
        }
    }
    let all = tags.len();
    tags.sort_unstable_by_key(ToString::to_string);
    tags.dedup();
    assert_eq!(tags.len(), all, "other bytes have another tag");
}

/// Once: who is told of it has it packed.
#[test]
fn what_was_packed_quickly_is_to_be_packed_well() {
    let is_to_be = |packing| {
        let form = Form::of(&write(rendering(), packing).expect("written")).expect("a form");
        [form.is_to_be_packed(), form.is_to_be_packed()]
    };
    assert_eq!(is_to_be(Packing::None), [false; 2]);
    assert_eq!(is_to_be(Packing::Well), [false; 2]);
    assert_eq!(is_to_be(Packing::Quick), [true, false]);
}

#[test]
fn what_is_no_form_is_told() {
    let unknown = [[0; 16], [3; 16]].concat();
    for bytes in [&b"short"[..], &[0xff; 40], &unknown] {
        assert!(Form::of(bytes).is_err());
    }
}
