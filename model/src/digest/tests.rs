use super::*;

#[test]
fn known_answers() {
    let empty = Digest::of(Algorithm::Sha256, b"");
    assert_eq!(
        empty.to_string(),
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(empty.to_string().parse(), Ok(empty));
    let long = Digest::of(Algorithm::Sha512, b"abc");
    assert!(
        long.to_string()
            .starts_with("sha512:ddaf35a193617abacc417349ae204131")
    );
    assert_eq!(long.to_string().parse(), Ok(long));
}

#[test]
fn refuses_what_is_no_digest() {
    let good = Digest::of(Algorithm::Sha256, b"").to_string();
    let bad = [
        "",
        "sha256",
        "sha256:",
        "sha256:baddigeststring",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        &good[..good.len() - 1],
        &good.to_uppercase(),
        &good.replace("sha256", "sha512"),
        &good.replace("e3", "E3"),
        &format!("{good}0"),
        &good.replace(':', ""),
    ];
    for text in bad {
        assert_eq!(text.parse::<Digest>(), Err(BadDigest), "{text}");
    }
}

#[test]
fn a_stored_state_goes_on_where_it_stopped() {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let mut first = Hasher::new(algorithm);
        first.update(b"one bit and ");
        let mut second = Hasher::resume(algorithm, &first.state()).expect("state");
        second.update(b"another");
        assert_eq!(
            second.finish(),
            Digest::of(algorithm, b"one bit and another")
        );
        assert!(Hasher::resume(algorithm, b"short").is_none());
    }
}

#[test]
fn order_is_that_of_the_text() {
    let mut digests: Vec<Digest> = (0..50u8)
        .flat_map(|i| {
            [
                Digest::of(Algorithm::Sha256, &[i]),
                Digest::of(Algorithm::Sha512, &[i]),
            ]
        })
        .collect();
    digests.sort();
    let texts: Vec<String> = digests.iter().map(Digest::to_string).collect();
    let mut sorted = texts.clone();
    sorted.sort();
    assert_eq!(texts, sorted);
}
