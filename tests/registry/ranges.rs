//! What a request wants of what is kept: only if it is another one, a part of it, several parts in one
//! answer.

use crate::larder;
use larder_tests::Image;
use larder_tests::image::{MANIFEST, push_blob};
use larder_tests::random::Random;

#[test]
fn conditions() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let (one, two) = (
        Image::random(&mut random, &[300_000]),
        Image::random(&mut random, &[10]),
    );
    one.push(&admin, "team/app", "v1");
    let path = "/v2/team/app/manifests/v1";
    let tag = format!("\"{}\"", one.digest);
    let unchanged = admin
        .send("GET", path, &[("if-none-match", &tag)], b"")
        .expect(304);
    assert!(unchanged.body.is_empty() && unchanged.header("etag") == Some(&tag));
    admin
        .send("GET", path, &[("if-none-match", "\"sha256:0\"")], b"")
        .expect(200);

    for (digest, bytes) in &two.blobs {
        push_blob(&admin, "team/app", digest, bytes).expect(201);
    }
    let put = |condition: (&str, &str)| {
        admin.send(
            "PUT",
            path,
            &[("content-type", MANIFEST), condition],
            &two.manifest,
        )
    };
    put(("if-none-match", "*")).expect(412);
    put((
        "if-match",
        "\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"",
    ))
    .expect(412);
    put(("if-match", &tag)).expect(201);
    put(("if-match", &tag)).expect(412);
    assert_eq!(admin.get(path).expect(200).body, two.manifest);
}

#[test]
fn a_range_is_answered() {
    let larder = larder();
    let admin = larder.admin();
    let one = Image::random(&mut Random::seeded(), &[300_000]);
    one.push(&admin, "team/app", "v1");
    let (layer, bytes) = &one.blobs[1];
    let blob = format!("/v2/team/app/blobs/{layer}");
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=299990-", 299_990..300_000),
        ("bytes=-7", 299_993..300_000),
    ] {
        let part = admin
            .send("GET", &blob, &[("range", range)], b"")
            .expect(206);
        assert!(part.body == bytes[expected.clone()]);
        let content_range = format!("bytes {}-{}/300000", expected.start, expected.end - 1);
        assert_eq!(part.header("content-range"), Some(content_range.as_str()));
    }
    let outside = admin
        .send("GET", &blob, &[("range", "bytes=300000-")], b"")
        .expect(416);
    assert_eq!(outside.header("content-range"), Some("bytes */300000"));
    let mut whole = Vec::new();
    while whole.len() < bytes.len() {
        let range = format!("bytes={}-{}", whole.len(), whole.len() + 99_999);
        whole.extend(
            admin
                .send("GET", &blob, &[("range", &range)], b"")
                .expect(206)
                .body,
        );
    }
    assert!(whole == *bytes, "a resume in steps gives the whole");
    let head = admin
        .send("HEAD", &blob, &[("range", "bytes=0-0")], b"")
        .expect(200);
    assert_eq!(head.header("content-length"), Some("300000"));
}

#[test]
fn several_ranges_are_answered_in_their_order() {
    let larder = larder();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[300_000, 1000]);
    image.push(&admin, "team/app", "v1");
    let send = |blob: &str, range: &str| admin.send("GET", blob, &[("range", range)], b"");
    for (layer, bytes) in &image.blobs[1..] {
        let (blob, size) = (format!("/v2/team/app/blobs/{layer}"), bytes.len());
        let answer = send(&blob, "bytes=500-599,-7,0-9,10-19,100000000-").expect(206);
        let told = answer.header("content-type").expect("a media type");
        let boundary = told.strip_prefix("multipart/byteranges; boundary=");
        let boundary = boundary.expect("several parts");
        assert_eq!(answer.header("content-range"), None);
        assert_eq!(answer.header("etag"), Some(&*format!("\"{layer}\"")));
        // Parts that touch stay apart: podman counts them.
        let mut expected = Vec::new();
        for part in [500..600, size - 7..size, 0..10, 10..20] {
            let (first, last) = (part.start, part.end - 1);
            let head = format!(
                "\r\n--{boundary}\r\ncontent-type: application/octet-stream\r\n\
                 content-range: bytes {first}-{last}/{size}\r\n\r\n"
            );
            expected.extend([head.as_bytes(), &bytes[part]].concat());
        }
        expected.extend(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert!(answer.body == expected, "{}", answer.text());
        // What is one part is told as one.
        let joined = send(&blob, "bytes=5-20,10-30").expect(206);
        let range = format!("bytes 5-30/{size}");
        assert_eq!(joined.header("content-range"), Some(range.as_str()));
        assert!(joined.body == bytes[5..=30]);
        send(&blob, &format!("bytes={size}-,-0")).expect(416);
        assert!(send(&blob, "bytes=0-1,x").expect(200).body == *bytes);
        let known = [("range", "bytes=0-1,5-6"), ("if-range", "\"sha256:0\"")];
        let other = admin.send("GET", &blob, &known, b"").expect(200);
        assert!(other.body == *bytes);
    }
}
