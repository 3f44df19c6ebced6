use super::*;

fn read(words: &[&str]) -> Result<SettingsChange, String> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    change(&words)
}

#[test]
fn words_become_a_change() {
    let change = read(&["offline=true", "oci.default_mirror=docker.io"]).expect("change");
    assert_eq!(change.offline, Some(true));
    let mirror = |change: SettingsChange| change.oci.map(|oci| oci.default_mirror);
    assert_eq!(mirror(change), Some(Patch::Set("docker.io".to_owned())));
    for (word, name) in [
        ("oci.default_mirror=", ""),
        ("oci.default_mirror=oci/ghcr.io", "ghcr.io"),
        ("oci.default-mirror=quay.io", "quay.io"),
    ] {
        let change = read(&[word]).expect(word);
        assert_eq!(mirror(change), Some(Patch::Set(name.to_owned())), "{word}");
    }
}

#[test]
fn a_wrong_word_is_refused_with_the_right_one() {
    for (words, told) in [
        (
            &["offlin=true"][..],
            "there is no setting offlin; did you mean offline?",
        ),
        (&["default_mirror=x"], "did you mean oci.default_mirror?"),
        (&["colour=red"], "there are offline, oci.default_mirror"),
        (&["offline=yes"], "offline is true or false, not \"yes\""),
        (&["offline"], "write a setting as KEY=VALUE, not offline"),
        (
            &["oci.default_mirror=a/b"],
            "the name of a repository of images",
        ),
        (&["offline=true", "offline=true"], "offline is given twice"),
    ] {
        let error = read(words).expect_err(told);
        assert!(error.contains(told), "{error}");
    }
}
