use super::*;

#[test]
fn large_repositories_have_one_that_is_made_anew_as_they_grow() {
    assert!(!is_due(MIN_BYTES - 1, None));
    assert!(is_due(MIN_BYTES, None));
    assert!(!is_due(MIN_BYTES, Some(MIN_BYTES)));
    assert!(!is_due(MIN_BYTES * GROWTH, Some(MIN_BYTES)));
    assert!(is_due(MIN_BYTES * GROWTH * 2, Some(MIN_BYTES)));
}

/// Packs may have much that no branch stands for, and a bundle that lacks it is as good as any other.
#[test]
fn a_bundle_is_compared_with_what_it_was_made_of() {
    let packs = MIN_BYTES * 10;
    let path = path_of(&Digest::of(Algorithm::Sha256, b"bundle"), packs);
    let made = made_of(&path, MIN_BYTES);
    assert_eq!(made, packs);
    assert!(!is_due(packs, Some(made)));
    assert!(is_due(packs * GROWTH * 2, Some(made)));
    // Those of before say nothing of it.
    let (old, _) = path.rsplit_once('-').expect("bytes");
    assert_eq!(made_of(old, MIN_BYTES), MIN_BYTES);
}

#[test]
fn the_answer_is_a_list_of_keys_and_values() {
    assert_eq!(answer(None), b"0000");
    let told = answer(Some("http://larder.example/b"));
    let told = String::from_utf8_lossy(&told).into_owned();
    for line in [
        "bundle.version=1\n",
        "bundle.mode=all\n",
        "bundle.all.uri=http://larder.example/b\n",
    ] {
        assert!(
            told.contains(&format!("{:04x}{line}", line.len() + 4)),
            "{told}"
        );
    }
    assert!(told.ends_with("0000"));
}
