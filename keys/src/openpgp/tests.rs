use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const DOCUMENT: &[u8] = b"<repomd/>\n";
/// Keys that gpg made, their fingerprints as it tells them, and signatures that it found good: both
/// kinds of key sign the same thing in the same way every time.
const KEYS: [(&str, &str, &str); 3] = [
    (
        include_str!("../../testdata/openpgp/rsa.asc"),
        "B0CA5B814D04B345787D6C787E10AABF2425DBDA",
        include_str!("../../testdata/openpgp/rsa.signature"),
    ),
    (
        include_str!("../../testdata/openpgp/ed25519.asc"),
        "AF92424BE8D735D52E3AE46EE11D432D3CABDD39",
        include_str!("../../testdata/openpgp/ed25519.signature"),
    ),
    // RSA that certifies alone, with a subkey of Ed25519 that signs.
    (
        include_str!("../../testdata/openpgp/sub.asc"),
        "D3781468BE9093221E86A455A468866850E4B9F4",
        include_str!("../../testdata/openpgp/sub.signature"),
    ),
];

#[test]
fn keys_of_gpg_sign() {
    for (text, fingerprint, signature) in KEYS {
        let key = SigningKey::read(text, NOW).expect("key");
        assert_eq!(key.fingerprint(), fingerprint);
        let made = key.sign(DOCUMENT, NOW).expect("signature");
        assert_eq!(made, signature);
        assert_ne!(key.sign(b"other", NOW).expect("signature"), signature);
    }
}

#[test]
fn the_public_key_has_no_secrets() {
    let kinds = |text: &str, kind: &str| {
        let bytes = armor::read(text, kind).expect("armor");
        let all = packets(&bytes).expect("packets");
        all.into_iter()
            .map(|(tag, body)| (tag, body.to_vec()))
            .collect::<Vec<_>>()
    };
    for (text, fingerprint, _) in KEYS {
        let key = SigningKey::read(text, NOW).expect("key");
        let (secret, public) = (
            kinds(text, "PGP PRIVATE KEY BLOCK"),
            kinds(key.public_key(), "PGP PUBLIC KEY BLOCK"),
        );
        assert_eq!(public[0].0, PUBLIC_KEY);
        assert_eq!(
            hex::encode(&super::fingerprint(&public[0].1)).to_uppercase(),
            fingerprint
        );
        for ((tag, body), (secret_tag, secret_body)) in public.iter().zip(&secret) {
            assert!(![SECRET_KEY, SECRET_SUBKEY].contains(tag));
            let is_key = [SECRET_KEY, SECRET_SUBKEY].contains(secret_tag);
            assert!(if is_key {
                secret_body.len() > body.len() + 30
            } else {
                secret_body == body
            });
        }
    }
    let told = include_str!("../../testdata/openpgp/public.asc");
    let key = SigningKey::read(KEYS[1].0, NOW).expect("key");
    assert_eq!(
        kinds(key.public_key(), "PGP PUBLIC KEY BLOCK"),
        kinds(told, "PGP PUBLIC KEY BLOCK"),
        "as gpg exports it"
    );
}

#[test]
fn what_is_no_fitting_key_is_refused_with_a_reason() {
    let ends = include_str!("../../testdata/openpgp/ends.asc");
    for (text, why) in [
        ("", "no armored secret key"),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nhello\n-----END PGP PRIVATE KEY BLOCK-----",
            "no armored secret key",
        ),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\naGVsbG8=\n-----END PGP PRIVATE KEY BLOCK-----",
            "cut short",
        ),
        (
            include_str!("../../testdata/openpgp/public.asc"),
            "public key",
        ),
        (
            include_str!("../../testdata/openpgp/two.asc"),
            "more than one key",
        ),
        (
            include_str!("../../testdata/openpgp/locked.asc"),
            "passphrase",
        ),
        (ends, "expired"),
        (&"x".repeat(MAX_BYTES + 1), "too long"),
    ] {
        let problem = SigningKey::read(text, NOW).expect_err(why);
        assert!(problem.detail.contains(why), "{why}: {}", problem.detail);
    }
    assert!(
        SigningKey::read(ends, Timestamp(1_705_000_000_000_000)).is_ok(),
        "it was good before"
    );
}

#[test]
fn broken_keys_are_no_keys() {
    for (text, ..) in KEYS {
        let bytes = armor::read(text, "PGP PRIVATE KEY BLOCK").expect("armor");
        let again =
            |bytes: &[u8]| SigningKey::read(&armor::write(bytes, "PGP PRIVATE KEY BLOCK"), NOW);
        assert!(again(&bytes).is_ok());
        for length in 0..bytes.len().min(1200) {
            if let Ok(key) = again(&bytes[..length]) {
                assert!(!key.public_key().is_empty()); // what is left may be whole
            }
        }
    }
}

#[test]
fn secret_numbers_that_do_not_fit_are_refused() {
    for (text, ..) in &KEYS[..2] {
        let bytes = armor::read(text, "PGP PRIVATE KEY BLOCK").expect("armor");
        let (_, body) = packets(&bytes).expect("packets")[0];
        let (algorithm, public, secret) = split(body).expect("key");
        assert!(Pair::read(algorithm, public, secret).is_ok());
        for at in [0, 1, 2, 5, secret.len() - 1] {
            let mut other = secret.to_vec();
            other[at] ^= 1;
            assert!(Pair::read(algorithm, public, &other).is_err(), "{at}");
        }
        // With the right sum they must still be those of the public part.
        let mut other = secret.to_vec();
        let (last, sum) = (other.len() - 4, other.len() - 2);
        other[last] ^= 1;
        let total = other[1..sum]
            .iter()
            .fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        other[sum..].copy_from_slice(&total.to_be_bytes());
        assert_eq!(
            Pair::read(algorithm, public, &other).expect_err("pair"),
            Unfit::Broken
        );
    }
}
