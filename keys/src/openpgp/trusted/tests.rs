use super::super::SigningKey;
use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const KEYS: [&str; 3] = [
    include_str!("../../../testdata/openpgp/rsa.asc"),
    include_str!("../../../testdata/openpgp/ed25519.asc"),
    include_str!("../../../testdata/openpgp/sub.asc"),
];
const TEXT_OF: &str = "Suite: stable\n- dashed\nwith spaces  \n";

/// The text and the signature in what was signed.
fn parts(signed: &str) -> (String, String) {
    let body = signed.split_once("\n\n").expect("headers").1;
    let at = body.find("-----BEGIN PGP SIGNATURE").expect("signature");
    let text = body[..at].lines();
    let text: Vec<&str> = text.map(|it| it.strip_prefix("- ").unwrap_or(it)).collect();
    (text.join("\n") + "\n", body[at..].to_owned())
}

#[test]
fn signatures_of_ours_are_by_the_keys_that_made_them() {
    for key in KEYS {
        let key = SigningKey::read(key, NOW).expect("key");
        let trusted = TrustedKeys::read(key.public_key()).expect("public");
        assert_eq!(trusted.fingerprints(), [key.fingerprint()]);
        let beside = key.sign(b"a document", NOW).expect("signature");
        let agrees = |document: &[u8]| trusted.require_document(document, &beside, NOW);
        assert_eq!(agrees(b"a document"), Ok(()));
        assert!(matches!(agrees(b"another"), Err(Untrusted::Wrong(_))));
        let within = key.sign_within(TEXT_OF, NOW).expect("signed");
        let (text, signature) = parts(&within);
        assert_eq!(trusted.require_text(&text, &signature, NOW), Ok(()));
        let changed = text.replace("stable", "testing");
        let changed = trusted.require_text(&changed, &signature, NOW);
        assert!(matches!(changed, Err(Untrusted::Wrong(_))));
    }
}

#[test]
fn other_keys_and_no_signatures_are_told_apart() {
    let [rsa, other, _] = KEYS.map(|key| SigningKey::read(key, NOW).expect("key"));
    let trusted = TrustedKeys::read(rsa.public_key()).expect("public");
    let signature = other.sign(b"a document", NOW).expect("signature");
    let told = trusted.require_document(b"a document", &signature, NOW);
    assert_eq!(told, Err(Untrusted::OtherKeys(vec![other.fingerprint()])));
    let told = trusted.require_document(b"a document", "nothing", NOW);
    assert_eq!(told, Err(Untrusted::Unsigned));
}

#[test]
fn an_expired_key_proves_nothing() {
    const ENDS: &str = include_str!("../../../testdata/openpgp/ends.asc");
    let early = Timestamp(0);
    let key = SigningKey::read(ENDS, early).expect("key");
    let trusted = TrustedKeys::read(key.public_key()).expect("public");
    let signature = key.sign(b"a document", early).expect("signature");
    assert_eq!(
        trusted.require_document(b"a document", &signature, early),
        Ok(())
    );
    let late = Timestamp(i64::MAX);
    let told = trusted.require_document(b"a document", &signature, late);
    assert!(matches!(told, Err(Untrusted::Expired(_))), "{told:?}");
}

#[test]
fn keyrings_are_armored_and_other_texts_refused() {
    let key = SigningKey::read(KEYS[0], NOW).expect("key");
    let bytes = armor::read(key.public_key(), BLOCK).expect("armor");
    let armored = TrustedKeys::armored(&bytes).expect("armored");
    let trusted = TrustedKeys::read(&armored).expect("public");
    assert_eq!(trusted.fingerprints(), [key.fingerprint()]);
    assert_eq!(TrustedKeys::armored(b"no keys"), None);
    let both = format!("{}\n{armored}", key.public_key());
    assert_eq!(
        TrustedKeys::read(&both)
            .expect("two blocks")
            .fingerprints()
            .len(),
        2
    );
    for text in ["", "no keys", KEYS[0]] {
        TrustedKeys::read(text).expect_err("no public keys");
    }
}
